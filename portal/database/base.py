"""`settings.DATABASES` names this package as the engine."""

from select import POLLIN, poll

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL, where a kept connection is asked whether it still works only when there is reason to doubt."""

    def is_usable(self) -> bool:
        """Whether the connection works: of one on which nothing has come since it was last used, it is assumed.

        What a server says when it ends a connection, and the end itself, lie on the socket to be read.
        """
        if self.connection is None or self.connection.closed:
            return False
        waiting = poll()
        waiting.register(self.connection.fileno(), POLLIN)
        return not waiting.poll(0) or bool(super().is_usable())
