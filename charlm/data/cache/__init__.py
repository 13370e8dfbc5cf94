"""The cache of encoded corpora."""
