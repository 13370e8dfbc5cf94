"""The symbols that a model knows, in code-point order or by decreasing frequency; the index is the id.

The end of a document may follow, then ``<unk>`` for rare characters.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
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
"""How ``<unk>`` is written."""

UNICODE_CODE_POINTS = 1_112_064
"""0x110000 code points less the 2,048 surrogates."""


def unknown_nats(training_characters: int, vocab_size: int) -> float:
    """The loss of a character outside the vocabulary, in nats: ln(N+1) + ln(1,112,064 - V).

    An escape after N training characters, and a uniform choice of code points outside the vocabulary.

    >>> round(unknown_nats(1_000_000, 65), 3)
    27.737
    """
    return math.log(training_characters + 1) + math.log(UNICODE_CODE_POINTS - vocab_size)


@dataclass(frozen=True)
class Vocabulary:
    r"""The symbols that a model knows.

    A text without context follows ``start``: the end of a document, else the newline, else the most frequent
    character. ``rare`` characters map to ``<unk>``, the last symbol. Of labelled texts it has the ``labels``, or
    the mean and deviation of numbers as ``scale``; of labelled documents it has
    ``label_counts`` too, in training. Of pairs it has the symbols of the ``target``, characters or words.

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
    labels: tuple[str, ...] = ()
    scale: tuple[float, float] | None = None
    label_counts: tuple[int, ...] = ()
    target: tuple[str, ...] = ()
    by_frequency: bool = False

    @classmethod
    def of(cls, text: str) -> Self:
        """The vocabulary of a text; CorpusError if it is empty."""
        symbols = tuple(sorted(set(text)))
        if not symbols:
            raise CorpusError("the text is empty, so it has no vocabulary", hint="give one that has characters")
        counts = Counter(text)
        return cls(symbols, _start(symbols, [counts[symbol] for symbol in symbols], has_end=False))

    @classmethod
    def from_counts(cls, alphabet: Alphabet, counts_A: Counts, min_count: int) -> Self:
        """The vocabulary of these counts; rarer symbols become ``<unk>``.

        Raises:
            CorpusError: no character is that frequent.
        """
        has_end = alphabet.end is not None
        is_character_A = np.array([symbol != END for symbol in alphabet.symbols])
        # All bytes are symbols, so no file can contain an unknown one.
        is_symbol_A = (counts_A >= min_count) | (alphabet.units == "bytes")
        kept_A = is_character_A & is_symbol_A
        rare_A = is_character_A & (counts_A > 0) & ~is_symbol_A
        if not kept_A.any():
            raise CorpusError(
                f"no character occurs {counted(min_count, 'times')} in the training split",
                hint="lower --min-count",
            )
        symbols = tuple(decode_points(alphabet.points_A[kept_A]))
        start = _start(symbols, counts_A[kept_A].tolist(), has_end)
        return cls(symbols, start, alphabet.units, has_end, tuple(decode_points(alphabet.points_A[rare_A])))

    def sorted_by_frequency(self, alphabet: Alphabet, counts_A: Counts) -> Self:
        """The same symbols by decreasing count; equal counts in code-point order.

        >>> alphabet = Alphabet.from_counts(np.bincount(code_points("hello")), "characters")
        >>> Vocabulary.of("hello").sorted_by_frequency(alphabet, alphabet.counts_A).symbols
        ('l', 'e', 'h', 'o')
        """
        counts = dict(zip(alphabet.symbols, counts_A.tolist(), strict=True))
        symbols = tuple(sorted(sorted(self.symbols), key=lambda symbol: -counts.get(symbol, 0)))
        start = self.start if self.has_end else symbols.index(self.symbols[self.start])
        return replace(self, symbols=symbols, start=start, by_frequency=True)

    def __len__(self) -> int:
        return len(self.symbols) + self.has_end + bool(self.rare)

    @property
    def end(self) -> int | None:
        """The id of a document's end, or None."""
        return len(self.symbols) if self.has_end else None

    def name_of(self, code: int) -> str:
        """A symbol as text: a byte above 0x7F as ``<0xC3>``, the end as ``END``, ``<unk>`` as U+FFFD."""
        if code >= len(self.symbols):
            return END if code == self.end else REPLACEMENT
        symbol = self.symbols[code]
        return f"<0x{ord(symbol):02X}>" if self.units == "bytes" and symbol > "\x7f" else symbol

    @property
    def unknown(self) -> int | None:
        """The id of ``<unk>``, or None."""
        return len(self) - 1 if self.rare else None

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The smallest dtype for the ids."""
        return id_dtype(len(self))

    def encode_alphabet(self, alphabet: Alphabet) -> TokenIds:
        """The id (A,) of each symbol of an alphabet; V if unknown.

        >>> alphabet = Alphabet.from_counts(np.bincount(code_points("abxyyzz")), "characters")
        >>> Vocabulary.of("bz").encode_alphabet(alphabet)
        array([2, 0, 2, 2, 1], dtype=uint8)
        """
        ids_A = self._table[np.minimum(alphabet.points_A, len(self._table) - 1)]
        if alphabet.end is not None:
            ids_A[alphabet.end] = len(self) if self.end is None else self.end
        return ids_A

    def encode(self, text: str, where: str) -> TokenIds:
        """The ids (N,) of a text.

        Raises:
            VocabularyError: a character is not in the vocabulary.
        """
        ids, known = self._look_up(text)
        if not known.all():
            place = int(known.argmin())
            unknown = text[place]
            raise VocabularyError(
                f"{where}: the model has never seen {unknown!r} (U+{ord(unknown):04X}), at position {place} "
                "(counted from 0)",
                hint="leave it out, or use a model whose training text has it",
            )
        return ids.astype(self.dtype, copy=False)

    def encode_known(self, text: str) -> tuple[TokenIds, npt.NDArray[np.bool_]]:
        """The ids (K,) of the known characters, and which those are (N,).

        >>> Vocabulary.of("abc").encode_known("a-c")
        (array([0, 2], dtype=uint8), array([ True, False,  True]))
        """
        ids, known = self._look_up(text)
        return ids[known].astype(self.dtype, copy=False), known

    def encode_symbols(self, symbols: str) -> TokenIds:
        """The ids (N,) of preprocessed symbols; of those that are not known, ``<unk>``, else V.

        >>> Vocabulary.of("abc").encode_symbols("a-c")
        array([0, 3, 2], dtype=uint8)
        """
        return self.points[np.minimum(code_points(symbols), len(self.points) - 1)]

    @cached_property
    def points(self) -> TokenIds:
        """The id of each code point, and of those past the end: if it is not known, ``<unk>``, else V."""
        if self.unknown is None:
            return self._table
        return np.where(self._table == len(self), self._table.dtype.type(self.unknown), self._table)

    def count_unknown(self, symbols: str) -> int:
        """How many preprocessed symbols training never saw.

        >>> Vocabulary.of("abc").count_unknown("a-c!")
        2
        """
        return int((self.encode_symbols(symbols) >= len(self) - bool(self.rare)).sum())

    def decode(self, ids: TokenIds) -> str:
        """The text of ids (N,), with U+FFFD for ``<unk>`` and surrogate escapes."""
        if self.has_end:
            ids = ids[ids != self.end]
        text = decode_points(self._symbol_points[ids])
        return text.encode("latin-1").decode("utf-8", "surrogateescape") if self.units == "bytes" else text

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        lists = {"symbols": list(self.symbols), "rare": list(self.rare)}
        others: dict[str, Any] = {"labels": list(self.labels)} if self.labels else {}
        others |= {"label_counts": list(self.label_counts)} if self.label_counts else {}
        others |= {"target": list(self.target)} if self.target else {}
        others |= {"by_frequency": True} if self.by_frequency else {}
        others |= {} if self.scale is None else {"scale": list(self.scale)}
        return {"units": self.units, "start": self.start, "has_end": self.has_end, **lists, **others}

    @classmethod
    def from_json(cls, values: Any, where: str) -> Self:
        """From stored values; CheckpointError if invalid."""
        error = find_vocabulary_error(values)
        if error is not None:
            raise CheckpointError(f"{where} holds no valid vocabulary ({error}): restore it from a copy")
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**(values | lists))

    @cached_property
    def _symbol_points(self) -> Points:
        """The code points (V,) of the symbols."""
        return code_points("".join((*self.symbols, END * self.has_end, REPLACEMENT * bool(self.rare))))

    @cached_property
    def _table(self) -> TokenIds:
        """The id of each code point, or V."""
        points = code_points("".join(self.symbols + self.rare))
        table = np.full(int(points.max()) + 2, len(self), id_dtype(len(self) + 1))
        table[points[: len(self.symbols)]] = np.arange(len(self.symbols))
        table[points[len(self.symbols) :]] = len(self) - 1
        return table

    def _look_up(self, text: str) -> tuple[TokenIds, npt.NDArray[np.bool_]]:
        if self.units == "bytes":
            # A prompt from the shell has invalid UTF-8 as surrogate escapes.
            text = text.encode("utf-8", "surrogateescape").decode("latin-1")
        ids = self._table[np.minimum(code_points(text), len(self._table) - 1)]
        return ids, ids != len(self)


def _start(symbols: tuple[str, ...], counts: Collection[int], has_end: bool) -> int:
    """The id before a text without context."""
    if has_end:
        return len(symbols)
    if "\n" in symbols:
        return symbols.index("\n")
    return int(np.argmax(list(counts)))
