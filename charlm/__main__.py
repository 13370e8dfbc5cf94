"""The program ``charlm``, by that name or as ``python -m charlm``."""

import os
import sys


def main() -> None:
    """Run the command line.

    Here it begins, so that Ctrl-C shows no traceback while the imports last either.
    """
    try:
        from charlm.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    # What lies in the working folder is the user's data; -m has put it first among the modules' folders.
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109
        del sys.path[0]
    main()
