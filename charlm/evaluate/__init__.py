"""Evaluation: measurements of models and texts."""
