"""Files: atomic writes, locks, safe reading."""
