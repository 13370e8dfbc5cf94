"""The commands of charlm, one file each: the file's name, and the first line of its docstring, are its help."""
