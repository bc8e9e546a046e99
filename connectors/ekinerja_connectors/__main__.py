"""`python -m ekinerja_connectors`: see `tools.command`."""

import sys

from .tools.command import main

if __name__ == "__main__":
    sys.exit(main())
