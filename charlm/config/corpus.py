"""What a corpus is made of: which files, in which units, what is changed in it, and where its documents end."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from charlm.base.errors import UsageError
from charlm.config.base import Config, setting

Units: TypeAlias = Literal["characters", "bytes"]


@dataclass(frozen=True)
class CorpusConfig(Config):
    r"""The settings of reading a corpus.

    Raises:
        UsageError: a setting of characters is given for bytes.

    >>> CorpusConfig(lowercase=True).is_lossy, CorpusConfig(lines=True).document_end
    (True, '\n')
    """

    glob: str = setting(
        "**/*.txt", "Which files of a folder to read, below it; hidden ones are left out.", since=2
    )
    bytes: bool = setting(False, "The symbols are the 256 bytes, so that any file can be read.", since=2)
    normalize: str = setting(
        "none",
        "Unicode normalisation of the text; what is measured is then the normalised text.",
        choices=("none", "nfc", "nfkc"),
        since=2,
    )
    lowercase: bool = setting(False, "Read the text in lower case; what is measured is then that text.", since=2)
    min_count: int = setting(
        1,
        "How often a character must stand in the training part to be a symbol; rarer ones share one.",
        low=1,
        high=10**15,
        since=2,
    )
    lines: bool = setting(False, "Every line is a document, with an end that is learned.", since=2)
    delimiter: str | None = setting(None, "Every stretch of text up to this string is a document.", since=2)

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
        """What a symbol is."""
        return "bytes" if self.bytes else "characters"

    @property
    def is_lossy(self) -> bool:
        """Whether the text that is measured is no longer the original one."""
        return self.lowercase or self.normalize != "none"

    @property
    def document_end(self) -> str | None:
        """The text that ends a document, as the corpus has it; None where the corpus is one text."""
        return "\n" if self.lines else None if self.delimiter is None else self.changed(self.delimiter)

    def changed(self, text: str) -> str:
        """A text, changed as the corpus is: in lower case and normalised, where the settings say so.

        >>> CorpusConfig(lowercase=True, normalize="nfc").changed("Cafe\N{COMBINING ACUTE ACCENT}")
        'café'
        """
        text = text.lower() if self.lowercase else text
        if self.normalize == "none":
            return text
        return unicodedata.normalize("NFKC" if self.normalize == "nfkc" else "NFC", text)


def _is_text(text: str, is_bytes: bool) -> bool:
    """Whether a text has characters, all of them valid; the shell's odd bytes are, where bytes are read."""
    try:
        return bool(text.encode("utf-8", "surrogateescape" if is_bytes else "strict"))
    except UnicodeEncodeError:
        return False
