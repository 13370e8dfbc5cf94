"""Lets ``python -m charlm`` be the program."""

from charlm.cli.app import main

main()
