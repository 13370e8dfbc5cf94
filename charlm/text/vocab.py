"""The vocabulary: which characters a model knows, and the code of each.

Symbols are Unicode characters (code points), in code-point order; a symbol's code is its place in that order.
Both directions are one gather over the text's UTF-32 form, so a text of ten million characters takes a
fraction of a second.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes, code_dtype
from charlm.errors import CheckpointError, CorpusError, VocabularyError

UNICODE_CODE_POINTS = 1_112_064
"""How many characters Unicode has room for: 0x110000 code points less the 2,048 surrogates."""

_UTF32 = "utf-32-le"
_POINT = np.dtype("<u4")


def unknown_nats(training_characters: int, vocabulary_size: int) -> float:
    """What a character outside the vocabulary costs in an evaluation, in nats: ln(N+1) + ln(1,112,064 - V).

    A model cannot score a character that it has no symbol for, and leaving the character out would flatter
    it. So it is coded in two parts: an escape, whose probability after N characters without one is 1/(N+1),
    and then which of the code points outside the vocabulary it is, all equally likely. (That the known
    symbols share the remaining N/(N+1) is not charged to them: it would be 1/N nats a character.)

    Args:
        training_characters: N, the length of the training part.
        vocabulary_size: V, the number of symbols.

    >>> round(unknown_nats(1_000_000, 65), 3)
    27.737
    """
    return math.log(training_characters + 1) + math.log(UNICODE_CODE_POINTS - vocabulary_size)


@dataclass(frozen=True)
class Vocabulary:
    r"""The characters that a model knows.

    Attributes:
        symbols: single characters in code-point order; a symbol's index is its code.
        start: code of the character that a text is taken to follow when nothing precedes it: the newline, or
            where the training text has none its most frequent character (the first in order among equals).

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

    @classmethod
    def of(cls, text: str) -> Self:
        """The vocabulary of a text, which is valid Unicode, as every source's is.

        Raises:
            CorpusError: the text is empty.
        """
        symbols = tuple(sorted(set(text)))
        if not symbols:
            raise CorpusError("the text is empty, so it has no vocabulary: give one that has characters")
        if "\n" in symbols:
            return cls(symbols, symbols.index("\n"))
        counts = Counter(text)
        return cls(symbols, symbols.index(max(symbols, key=counts.__getitem__)))

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The type of the codes: the smallest unsigned one that holds them."""
        return code_dtype(len(self))

    def encode(self, text: str, where: str) -> Codes:
        """The codes (N,) of a text of N characters.

        Args:
            text: what to encode.
            where: what the text is, for the error, such as ``"the prompt"``.

        Raises:
            VocabularyError: a character is not in the vocabulary; the first one is named.
        """
        codes, known = self._look_up(text)
        if not known.all():
            place = int(known.argmin())
            unknown = text[place]
            raise VocabularyError(
                f"{where}: the model has never seen {unknown!r} (U+{ord(unknown):04X}), at position {place} "
                "(counted from 0): leave it out, or use a model whose training text has it"
            )
        return codes.astype(self.dtype, copy=False)

    def encode_known(self, text: str) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """The codes (K,) of the K characters that are known, and which of all N characters those are (N,).

        >>> Vocabulary.of("abc").encode_known("a-c")
        (array([0, 2], dtype=uint8), array([ True, False,  True]))
        """
        codes, known = self._look_up(text)
        return codes[known].astype(self.dtype, copy=False), known

    def decode(self, codes: Codes) -> str:
        """The text of codes (N,)."""
        return self._points[codes].tobytes().decode(_UTF32)

    def to_json(self) -> dict[str, Any]:
        """The vocabulary as JSON values."""
        return {"symbols": list(self.symbols), "start": self.start}

    @classmethod
    def from_json(cls, values: Any, where: str) -> Self:
        """The vocabulary of stored values.

        Raises:
            CheckpointError: the values are no vocabulary; ``where`` names the file.
        """
        complaint = _complaint(values)
        if complaint is not None:
            raise CheckpointError(f"{where} holds no valid vocabulary ({complaint}): restore it from a copy")
        return cls(tuple(values["symbols"]), values["start"])

    @cached_property
    def _points(self) -> npt.NDArray[np.uint32]:
        """The symbols' code points (V,)."""
        return _code_points("".join(self.symbols))

    @cached_property
    def _table(self) -> Codes:
        """The code of each code point up to one past the last symbol's; V for those that have none."""
        table = np.full(int(self._points[-1]) + 2, len(self), code_dtype(len(self) + 1))
        table[self._points] = np.arange(len(self))
        return table

    def _look_up(self, text: str) -> tuple[Codes, npt.NDArray[np.bool_]]:
        codes = self._table[np.minimum(_code_points(text), len(self._table) - 1)]
        return codes, codes != len(self)


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    # A prompt from the shell may hold lone surrogates; they pass here to be reported as unknown characters.
    return np.frombuffer(text.encode(_UTF32, "surrogatepass"), _POINT)


def _complaint(values: Any) -> str | None:
    """What keeps stored values from being a vocabulary; None where nothing does."""
    if not isinstance(values, dict) or set(values) != {"symbols", "start"}:
        return "it is not an object of symbols and start"
    symbols, start = values["symbols"], values["start"]
    if not isinstance(symbols, list) or not symbols:
        return "symbols is not a list with characters in it"
    for symbol in symbols:
        if not isinstance(symbol, str) or len(symbol) != 1 or "\ud800" <= symbol <= "\udfff":
            return f"the symbol {symbol!r:.40} is not one character"
    for before, after in pairwise(symbols):
        if before >= after:
            return f"the symbols {before!r} and {after!r} are not in code-point order"
    if type(start) is not int or not 0 <= start < len(symbols):
        return f"start is {start!r:.40}, not a code from 0 to {len(symbols) - 1}"
    return None
