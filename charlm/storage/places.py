"""Where charlm keeps what it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

VARIABLE = "CHARLM_CACHE_DIR"


def cache_folder() -> Path:
    """The folder that ``CHARLM_CACHE_DIR`` names, else the platform's own; it may not exist yet."""
    given = os.environ.get(VARIABLE)
    return Path(given).absolute() if given else usual_cache_folder()


def usual_cache_folder() -> Path:
    """The platform's own place for charlm's cache."""
    return platformdirs.user_cache_path("charlm", appauthor=False)
