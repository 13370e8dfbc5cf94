"""What torchrun says in the environment of each process that it starts."""

from __future__ import annotations

import os


def is_ranked() -> bool:
    """Whether torchrun started this process."""
    return {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= os.environ.keys()


def own_rank() -> int:
    """This process's number among all."""
    return int(os.environ["RANK"]) if is_ranked() else 0


def local_rank() -> int:
    """This process's number among those of this host."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_size() -> int:
    """The number of processes of this training on this host."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
