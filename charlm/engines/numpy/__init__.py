"""The NumPy engine: worker processes over shared memory."""
