"""Corpora by name: built in, or downloaded and verified."""
