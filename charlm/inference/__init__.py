"""Using a trained model: scoring, sampling, and the loop over a text's windows."""
