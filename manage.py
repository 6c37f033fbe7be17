#!/usr/bin/env python
"""Django's command-line entry point."""

import sys

from portal.command_line import manage

if __name__ == "__main__":
    manage(sys.argv)
