"""Splitting labelled texts: no text is in two splits, and no label is missing from one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from charlm.base.random import make_generator
from charlm.data.split import Split

SHOWN = 5  # of what a note lists


def split_alike(texts: Sequence[str], split: Split, seed: int) -> list[int]:
    """The split (0 to 2) of each example, by its text."""
    distinct = list(dict.fromkeys(texts))
    order = make_generator(seed, "examples").permutation(len(distinct)).tolist()
    train, validation, _ = split.lengths(len(distinct))
    place = {distinct[number]: (at >= train) + (at >= train + validation) for at, number in enumerate(order)}
    return [place[text] for text in texts]


def split_by_label(
    texts: Sequence[str], labels: Sequence[str], split: Split, seed: int, notes: list[str]
) -> list[int]:
    """The split (0 to 2) of each example: each label is divided by itself, and no text is in two splits.

    A text of several labels is divided with the rarest.

    >>> from charlm.config import DataConfig
    >>> split = Split.of(DataConfig(split="50/25/25"))
    >>> split_by_label(["a", "b", "c", "d"], ["x"] * 3 + ["y"], split, 1, [])
    [2, 0, 1, 0]
    """
    sizes = Counter(label for _, label in dict.fromkeys(zip(texts, labels, strict=True)))
    home: dict[str, str] = {}
    for text, label in zip(texts, labels, strict=True):
        if text not in home or (sizes[label], label) < (sizes[home[text]], home[text]):
            home[text] = label
    whole = split.train + split.validation + split.test
    shares = [float(share / whole) for share in (split.validation, split.test)]
    held_out = sum(share > 0 for share in shares)
    place: dict[str, int] = {}
    small = []
    for number, label in enumerate(sorted(sizes)):
        own = [text for text in home if home[text] == label]
        if len(own) <= held_out:
            small += [label] if held_out else []
            place |= dict.fromkeys(own, 0)
            continue
        order = make_generator(seed, "label", number).permutation(len(own)).tolist()
        counts = [max(1, round(share * len(own))) if share else 0 for share in shares]
        for at, which in enumerate(order):
            place[own[which]] = 1 if at < counts[0] else 2 if at < sum(counts) else 0
    if small:
        more = f" and {len(small) - SHOWN:,} more" if len(small) > SHOWN else ""
        notes.append(f"too few texts to hold any out: all go to training: {', '.join(small[:SHOWN])}{more}")
    return [place[text] for text in texts]
