"""Training: a loop that yields reports and prints nothing, and what stands beside it."""
