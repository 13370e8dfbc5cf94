"""What files need that is no file's own: locks."""
