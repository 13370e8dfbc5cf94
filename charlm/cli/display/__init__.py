"""What people see: tables, curves, colors, progress."""
