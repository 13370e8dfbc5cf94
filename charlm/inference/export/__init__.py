"""The formats of ``charlm export``, one file each."""
