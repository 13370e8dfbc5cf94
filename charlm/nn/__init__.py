"""Recurrent cells and networks' parts."""
