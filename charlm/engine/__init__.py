"""Who executes a training step."""
