"""Lets ``python -m charlm`` be the program."""

import sys

try:
    from charlm.cli.app import main
except KeyboardInterrupt:  # Ctrl-C while the imports last
    sys.exit(130)

main()
