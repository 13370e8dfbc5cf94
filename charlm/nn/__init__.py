"""Recurrent cells and what a network is built from."""
