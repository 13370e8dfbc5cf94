"""The vocabulary: which characters a model knows, and the code of each.

Symbols are Unicode characters (code points) or bytes, in code-point order; a symbol's code is its place in that
order. After them may come two that are no characters: the end of a document, and the unknown symbol that all
characters share which are rarer in the training part than ``--min-count`` says. Both directions are one gather
over the text's UTF-32 form, so a text of ten million characters takes a fraction of a second.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds, id_dtype
from charlm.base.errors import CheckpointError, CorpusError, VocabularyError
from charlm.base.plural import counted
from charlm.config.corpus import Units
from charlm.data.alphabet import END, Alphabet, Counts, Points, code_points, decode_points
from charlm.data.vocabulary_json import find_vocabulary_error

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What the unknown symbol is written as."""

UNICODE_CODE_POINTS = 1_112_064
"""How many characters Unicode has room for: 0x110000 code points less the 2,048 surrogates."""


def unknown_nats(training_characters: int, vocab_size: int) -> float:
    """What a character outside the vocabulary costs in an evaluation, in nats: ln(N+1) + ln(1,112,064 - V).

    A model cannot score a character that it has no symbol for, and leaving the character out would flatter
    it. So it is coded in two parts: an escape, whose probability after N characters without one is 1/(N+1),
    and then which of the code points outside the vocabulary it is, all equally likely. (That the known
    symbols share the remaining N/(N+1) is not charged to them: it would be 1/N nats a character.)

    Args:
        training_characters: N, the length of the training part.
        vocab_size: V, the number of symbols.

    >>> round(unknown_nats(1_000_000, 65), 3)
    27.737
    """
    return math.log(training_characters + 1) + math.log(UNICODE_CODE_POINTS - vocab_size)


@dataclass(frozen=True)
class Vocabulary:
    r"""The characters that a model knows.

    Attributes:
        symbols: single characters (or bytes, as the characters of their code points) in code-point order; a
            symbol's index is its code.
        start: code of the symbol that a text is taken to follow when nothing precedes it: the end of a document
            where there is one, else the newline, or where the training text has none its most frequent character
            (the first in order among equals).
        units: whether the symbols are characters or bytes.
        has_end: whether the end of a document is a symbol too; it comes after the characters.
        rare: the characters of the training text, in code-point order, that the unknown symbol stands for; there
            is that symbol, the last, where there are such characters.

    >>> vocabulary = Vocabulary.of("hello world\n")
    >>> len(vocabulary), vocabulary.symbols[vocabulary.start]
    (9, '\n')
    >>> vocabulary.encode("hello", where="the prompt")
    array([4, 3, 5, 5, 6], dtype=uint8)
    >>> vocabulary.decode(vocabulary.encode("hello", where="the prompt"))
    'hello'
    """

    symbols: tuple[str, ...]
    start: int
    units: Units = "characters"
    has_end: bool = False
    rare: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """The vocabulary of a text, which is valid Unicode, as every source's is.

        Raises:
            CorpusError: the text is empty.
        """
        symbols = tuple(sorted(set(text)))
        if not symbols:
            raise CorpusError("the text is empty, so it has no vocabulary", hint="give one that has characters")
        counts = Counter(text)
        return cls(symbols, _start(symbols, [counts[symbol] for symbol in symbols], has_end=False))

    @classmethod
    def of_counts(cls, alphabet: Alphabet, counts_A: Counts, min_count: int) -> Self:
        """The vocabulary of a training part.

        Args:
            alphabet: the corpus's.
            counts_A: how often each of its symbols stands in the training part.
            min_count: how often a character must stand there to be a symbol of its own.

        Raises:
            CorpusError: no character is that frequent.
        """
        has_end = alphabet.end is not None
        is_character_A = np.array([symbol != END for symbol in alphabet.symbols])
        # All bytes are symbols, whatever the training part has of them: no file can then hold an unknown one.
        is_symbol_A = (counts_A >= min_count) | (alphabet.units == "bytes")
        kept_A = is_character_A & is_symbol_A
        rare_A = is_character_A & (counts_A > 0) & ~is_symbol_A
        if not kept_A.any():
            raise CorpusError(
                f"no character stands {counted(min_count, 'times')} in the training part",
                hint="lower --min-count",
            )
        symbols = tuple(decode_points(alphabet.points_A[kept_A]))
        start = _start(symbols, counts_A[kept_A].tolist(), has_end)
        return cls(symbols, start, alphabet.units, has_end, tuple(decode_points(alphabet.points_A[rare_A])))

    def __len__(self) -> int:
        return len(self.symbols) + self.has_end + bool(self.rare)

    @property
    def end(self) -> int | None:
        """The code of the end of a document; None where the corpus was one text."""
        return len(self.symbols) if self.has_end else None

    @property
    def unknown(self) -> int | None:
        """The code of the unknown symbol; None where no character was too rare to be a symbol."""
        return len(self) - 1 if self.rare else None

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The type of the codes: the smallest unsigned one that holds them."""
        return id_dtype(len(self))

    def encode_alphabet(self, alphabet: Alphabet) -> TokenIds:
        """The code (A,) of each symbol of an alphabet: rare ones have the unknown symbol's, unseen ones V.

        >>> alphabet = Alphabet.of_counts(np.bincount(code_points("abxyyzz")), "characters")
        >>> Vocabulary.of("bz").encode_alphabet(alphabet)
        array([2, 0, 2, 2, 1], dtype=uint8)
        """
        ids_A = self._table[np.minimum(alphabet.points_A, len(self._table) - 1)]
        if alphabet.end is not None:
            ids_A[alphabet.end] = len(self) if self.end is None else self.end
        return ids_A

    def encode(self, text: str, where: str) -> TokenIds:
        """The codes (N,) of a text of N characters; rare ones have the unknown symbol's.

        Args:
            text: what to encode; with bytes, its UTF-8 form is.
            where: what the text is, for the error, such as ``"the prompt"``.

        Raises:
            VocabularyError: a character is not in the vocabulary; the first one is named.
        """
        ids, known = self._look_up(text)
        if not known.all():
            place = int(known.argmin())
            unknown = text[place]
            raise VocabularyError(
                f"{where}: the model has never seen {unknown!r} (U+{ord(unknown):04X}), at position {place} "
                "(counted from 0): leave it out, or use a model whose training text has it"
            )
        return ids.astype(self.dtype, copy=False)

    def encode_known(self, text: str) -> tuple[TokenIds, npt.NDArray[np.bool_]]:
        """The codes (K,) of the K characters that are known, and which of all N characters those are (N,).

        >>> Vocabulary.of("abc").encode_known("a-c")
        (array([0, 2], dtype=uint8), array([ True, False,  True]))
        """
        ids, known = self._look_up(text)
        return ids[known].astype(self.dtype, copy=False), known

    def decode(self, ids: TokenIds) -> str:
        """The text of codes (N,): an end is nothing, an unknown symbol U+FFFD, and a byte part of UTF-8.

        Bytes that are no UTF-8 become surrogate escapes, so that encoding the text gives the same codes again.
        """
        if self.has_end:
            ids = ids[ids != self.end]
        text = decode_points(self._points[ids])
        return text.encode("latin-1").decode("utf-8", "surrogateescape") if self.units == "bytes" else text

    def to_json(self) -> dict[str, Any]:
        """The vocabulary as JSON values."""
        lists = {"symbols": list(self.symbols), "rare": list(self.rare)}
        return {"units": self.units, "start": self.start, "has_end": self.has_end, **lists}

    @classmethod
    def from_json(cls, values: Any, where: str) -> Self:
        """The vocabulary of stored values; those of format 1 are characters alone.

        Raises:
            CheckpointError: the values are no vocabulary; ``where`` names the file.
        """
        complaint = find_vocabulary_error(values)
        if complaint is not None:
            raise CheckpointError(f"{where} holds no valid vocabulary ({complaint}): restore it from a copy")
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**(values | lists))

    @cached_property
    def _points(self) -> Points:
        """The code points (V,) that the symbols are written as."""
        return code_points("".join((*self.symbols, END * self.has_end, REPLACEMENT * bool(self.rare))))

    @cached_property
    def _table(self) -> TokenIds:
        """The code of each code point up to one past the last symbol's; V for those that have none."""
        points = code_points("".join(self.symbols + self.rare))
        table = np.full(int(points.max()) + 2, len(self), id_dtype(len(self) + 1))
        table[points[: len(self.symbols)]] = np.arange(len(self.symbols))
        table[points[len(self.symbols) :]] = len(self) - 1
        return table

    def _look_up(self, text: str) -> tuple[TokenIds, npt.NDArray[np.bool_]]:
        if self.units == "bytes":
            # A prompt from the shell carries what is no UTF-8 as surrogate escapes.
            text = text.encode("utf-8", "surrogateescape").decode("latin-1")
        ids = self._table[np.minimum(code_points(text), len(self._table) - 1)]
        return ids, ids != len(self)


def _start(symbols: tuple[str, ...], counts: Collection[int], has_end: bool) -> int:
    """The code of the symbol that a text is taken to follow."""
    if has_end:
        return len(symbols)
    if "\n" in symbols:
        return symbols.index("\n")
    return int(np.argmax(list(counts)))
