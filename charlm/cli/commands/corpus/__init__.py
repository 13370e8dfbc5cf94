"""Inspect, download and generate datasets."""

from charlm.cli.groups import discover

group = discover(__name__)
