"""The version of charlm."""

__version__ = "0.3.0"
