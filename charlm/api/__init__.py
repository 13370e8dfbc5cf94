"""The Python interface: train a model, load a run, and what can be done with it."""
