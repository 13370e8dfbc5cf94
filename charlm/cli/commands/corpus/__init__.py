"""Inspect, download and generate datasets."""

from charlm.cli.groups import discover

PLACE = ("Data", 1)
EXAMPLES = """
charlm corpus info novel.txt
charlm corpus list
charlm corpus get tiny-shakespeare
"""

group = discover(__name__)
