"""Tables, curves, colors, progress."""
