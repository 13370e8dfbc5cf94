"""Training: a loop that yields reports and prints nothing."""
