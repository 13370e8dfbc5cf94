"""Engines: what runs a training step."""
