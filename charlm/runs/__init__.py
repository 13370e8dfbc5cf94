"""Run folders and their files: written whole or not at all, read as untrusted."""
