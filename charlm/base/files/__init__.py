"""Files: atomic writes, locks, and safe reading."""
