"""N-gram models, the baselines."""
