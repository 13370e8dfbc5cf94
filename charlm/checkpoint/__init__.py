"""Run directories and the files in them: written whole or not at all, and read as if a stranger had made them."""
