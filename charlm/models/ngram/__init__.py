"""N-gram models: the baselines of a recurrent network."""
