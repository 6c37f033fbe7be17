"""A reader process that knows the toy engine: `python -m executors.tests.toy.reader FD`."""

from __future__ import annotations

import sys

from executors.processes import reader
from executors.tests import toy

if __name__ == "__main__":
    toy.register()
    reader.main(int(sys.argv[1]))
