"""Selecting samples of separate examples: new, unique, and of a certain length."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from charlm.base.errors import UsageError
from charlm.config import Config, SamplingConfig, setting

if TYPE_CHECKING:
    from charlm.data.encoded import EncodedText
    from charlm.inference.language_model import LanguageModel

TRIES = 100  # samples that are drawn for each wanted one, at most
BATCH = 64  # samples drawn at once, or as many as are wanted


@dataclass(frozen=True)
class Selection(Config):
    """Which samples are kept.

    Raises:
        UsageError: the lengths exclude every sample.
    """

    new: bool = setting(False, "Only lines that are not in the training split.")
    unique: bool = setting(False, "No line twice.")
    min_len: int = setting(0, "Shortest line, in characters.", low=0)
    max_len: int | None = setting(None, "Longest line, in characters.", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_len is not None and self.max_len < self.min_len:
            raise UsageError(f"--max-len {self.max_len} is less than --min-len {self.min_len}: exchange them")

    def accepts(self, text: str, earlier: Collection[str], known: Collection[str]) -> bool:
        """Whether to keep a sample.

        >>> Selection(new=True, max_len=4).accepts("emma", [], {"ava"})
        True
        """
        return (
            self.min_len <= len(text)
            and (self.max_len is None or len(text) <= self.max_len)
            and not (self.unique and text in earlier)
            and not (self.new and text in known)
        )


def documents_of(part: EncodedText) -> frozenset[str]:
    """The different documents of a text, without their ends."""
    return frozenset(part.text.split(part.alphabet.document_end))


def select(
    model: LanguageModel, selection: Selection, known: Collection[str], settings: dict[str, Any]
) -> tuple[list[str], int]:
    """Draw samples until ``num`` of them are accepted: the texts, and how many were drawn.

    The first candidates are the samples of the same seed without a selection. After ``TRIES`` times ``num`` there
    may be too few.

    Raises:
        UsageError: the model is not one of documents.
        VocabularyError: the prompt holds an unknown character.
    """
    if model.corpus.document_end is None:
        raise UsageError("--new, --unique, --min-len and --max-len select separate examples: train with --lines")
    config = SamplingConfig(num=settings.get("num", 1), seed=settings.get("seed", 1))
    kept: list[str] = []
    seen: set[str] = set()
    drawn = 0
    for text in islice(_candidates(model, config, settings), TRIES * config.num):
        drawn += 1
        if selection.accepts(text, seen, known):
            kept.append(text)
            seen.add(text)
        if len(kept) == config.num:
            break
    return kept, drawn


def shortage(found: int, wanted: int, drawn: int) -> str:
    """What to say where too few samples were accepted."""
    return (
        f"only {found:,} of {wanted:,} samples, since {drawn - found:,} others do not fit: ask for "
        "fewer, or raise --temperature"
    )


def _candidates(model: LanguageModel, config: SamplingConfig, settings: dict[str, Any]) -> Iterator[str]:
    """Samples without end: each batch has the next seed."""
    seed = config.seed
    while True:
        yield from model.samples(**(settings | {"num": max(config.num, BATCH), "seed": seed}))
        seed = (seed + 1) % 2**63
