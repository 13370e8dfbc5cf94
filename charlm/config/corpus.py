"""Corpus settings."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from charlm.base.errors import UsageError
from charlm.config.base import Config, setting

Units: TypeAlias = Literal["characters", "bytes"]


@dataclass(frozen=True)
class CorpusConfig(Config):
    r"""Settings of a corpus.

    Raises:
        UsageError: a setting needs characters, not bytes.

    >>> CorpusConfig(lowercase=True).is_lossy, CorpusConfig(lines=True).document_end
    (True, '\n')
    """

    glob: str = setting("**/*.txt", "Files to read from a folder.", since=2, metavar="PATTERN")
    bytes: bool = setting(False, "Model bytes instead of characters.", since=2)
    normalize: str = setting(
        "none",
        "Unicode normalization of the text.",
        choices=("none", "nfc", "nfkc"),
        since=2,
    )
    lowercase: bool = setting(False, "Convert the text to lower case.", since=2)
    min_count: int = setting(
        1,
        "Characters rarer than this become <unk>.",
        low=1,
        high=10**15,
        since=2,
    )
    lines: bool = setting(False, "Treat each line as a separate example (names, titles).", since=2)
    delimiter: str | None = setting(None, "Split the text into separate examples here.", since=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bytes and self.is_lossy:
            name = "--lowercase" if self.lowercase else f"--normalize {self.normalize}"
            raise UsageError(f"{name} changes characters, and --bytes reads none: leave out one of them")
        if self.bytes and self.min_count > 1:
            raise UsageError("--min-count is about characters, and --bytes has all 256 symbols: leave out one")
        if self.lines and self.delimiter is not None:
            raise UsageError("--lines and --delimiter both say where a document ends: leave out one of them")
        if self.delimiter is not None and not _is_text(self.delimiter, self.bytes):
            raise UsageError(f"--delimiter is {self.delimiter!r}: it must be text of at least one character")
        if self.glob == "":
            raise UsageError("--glob is empty: give a pattern, such as '**/*.txt'")

    @property
    def units(self) -> Units:
        """The units of the vocabulary."""
        return "bytes" if self.bytes else "characters"

    @property
    def is_lossy(self) -> bool:
        """Whether preprocessing changes the text."""
        return self.lowercase or self.normalize != "none"

    @property
    def document_end(self) -> str | None:
        """The end of a document, or None."""
        return "\n" if self.lines else None if self.delimiter is None else self.changed(self.delimiter)

    def changed(self, text: str) -> str:
        """Apply lower case and normalization.

        >>> CorpusConfig(lowercase=True, normalize="nfc").changed("Cafe\N{COMBINING ACUTE ACCENT}")
        'café'
        """
        text = text.lower() if self.lowercase else text
        if self.normalize == "none":
            return text
        return unicodedata.normalize("NFKC" if self.normalize == "nfkc" else "NFC", text)


def _is_text(text: str, is_bytes: bool) -> bool:
    """Whether a text is valid, not empty."""
    try:
        return bool(text.encode("utf-8", "surrogateescape" if is_bytes else "strict"))
    except UnicodeEncodeError:
        return False
