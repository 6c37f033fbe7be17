"""A helper process that knows the toy engine: `python -m executors.tests.toy.worker FD`."""

from __future__ import annotations

import sys

from executors.processes import worker
from executors.tests import toy

if __name__ == "__main__":
    toy.register()
    worker.main(int(sys.argv[1]))
