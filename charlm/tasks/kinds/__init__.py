"""Tasks, one file each: a file is a value of ``--task``."""
