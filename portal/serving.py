"""How a worker of gunicorn takes connections: only while a thread of its own is free to answer them."""

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):
    """gunicorn's threaded worker takes up to a thousand connections and has those wait for which it has no thread.

    One that waits there is one that another worker could answer; left with the kernel, whoever is free takes it.
    """

    @property
    def worker_connections(self) -> int:
        """How many connections it may have: those nobody asks anything on now, and one for each thread."""
        idle = len(self.keepalived_conns) + len(self.pending_conns)
        return min(self._most, idle + int(self.cfg.threads))

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self._most = most
