"""List, rename, delete and annotate runs.

charlm runs alone lists them.
"""

from charlm.cli.groups import discover

PLACE = ("Look", 1)
ALIASES = ("list", "ls")

group = discover(__name__, default="list")
