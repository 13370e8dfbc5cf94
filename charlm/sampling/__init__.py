"""The filters that shape the distribution of the next character, one file each, and the draw from it."""

from charlm.registry import Registry
from charlm.sampling._base import Filter, draw

FILTERS: Registry[Filter] = Registry(__name__, Filter)  # type: ignore[type-abstract]

__all__ = ["FILTERS", "Filter", "draw"]
