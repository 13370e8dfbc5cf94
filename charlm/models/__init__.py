"""Networks, and n-gram models to compare them with."""
