"""Examples as they are stored: two sides each, as ids and the places of the ends, memory-mapped.

The first side is a text, the second a label, which is one symbol, the symbols of a target, or a number. The
arrays are stored in the cache, next to their text. If the text itself is in memory only, so are they.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, overload

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds, id_dtype
from charlm.base.errors import CorpusError
from charlm.base.files.atomic import PRIVATE, atomic_file
from charlm.config import CorpusConfig
from charlm.data.alphabet import code_points, decode_points
from charlm.data.buckets import Sequences
from charlm.data.cache.entry import hash_bytes, json_bytes, seal, unseal
from charlm.data.cache.store import report_os_errors
from charlm.data.encoded import EncodedCorpus
from charlm.data.labels import LabelledReader
from charlm.data.permutation import Integers
from charlm.data.reading.documents import UNTOUCHED_NS, is_whole

FORMAT = 1
AT_ONCE = 1 << 14  # examples that are encoded together
DTYPES: Mapping[str, np.dtype[Any]] = {
    "text-ends": np.dtype(np.int64),
    "answers": np.dtype(np.uint32),
    "answer-ends": np.dtype(np.int64),
    "text-sums": np.dtype(np.uint64),
    "pair-sums": np.dtype(np.uint64),
}
NUMBER = np.dtype(np.float64)

Sums = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Sides:
    """The examples of a corpus in the order of reading, repeats included.

    Attributes:
        mode: how they are labelled, as in ``--labels``.
        texts: code points.
        answers: places in ``symbols``, or numbers.
        symbols: the labels, or the symbols of targets, in the order of their first occurrence.
        text_sums_D: a hash of each text; two of a million agree by chance with a probability of 3e-8.
        pair_sums_D: the same of each text with its answer.
        empty: lines and files that were left out.
        spaced: texts with white space at an end.
    """

    mode: str
    texts: Sequences
    answers: Sequences
    symbols: tuple[str, ...]
    text_sums_D: Sums
    pair_sums_D: Sums
    empty: int
    spaced: int

    def __len__(self) -> int:
        return len(self.texts)


def find_firsts(sums_D: Sums) -> npt.NDArray[np.int64]:
    """The number of the first of all that are equal, in order.

    >>> find_firsts(np.array([7, 3, 7, 9], np.uint64)).tolist()
    [0, 1, 3]
    """
    return np.sort(np.unique(sums_D, return_index=True)[1])


class StoredTexts(Sequence[str]):
    """Texts that are decoded when they are asked for: of code points, or of what ``decode`` takes."""

    def __init__(self, ids: Sequences, decode: Callable[[TokenIds], str] = decode_points) -> None:
        self._ids = ids
        self._decode = decode

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> StoredTexts: ...
    def __getitem__(self, place: int | slice) -> str | StoredTexts:
        numbers = np.arange(len(self))[place]
        if isinstance(place, slice):
            return StoredTexts(self._ids.take(numbers), self._decode)
        return self._decode(self._ids.take(np.array([numbers])).ids)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), AT_ONCE):
            some = self._ids.take(np.arange(start, min(start + AT_ONCE, len(self))))
            yield from map(self._decode, np.split(some.ids, np.cumsum(some.lengths_D)[:-1]))

    def take(self, numbers_K: Integers) -> StoredTexts:
        """Some of the texts, by their numbers."""
        return StoredTexts(self._ids.take(numbers_K), self._decode)


def read_sides(
    prepared: EncodedCorpus,
    config: CorpusConfig,
    mode: str,
    split: Callable[[str], Sequence[str]] | None = None,
    unit: str = "",
) -> Sides:
    """Read the examples of a corpus, or find them in the cache.

    ``split`` gives the symbols of a target, by default it is one; ``unit`` names what it does.

    Raises:
        CorpusError: a line is no example, labels cannot be told apart, or there are no examples.
    """
    reader = LabelledReader(prepared.source, config, mode)
    labels = [reader.label_of(member) for member in prepared.source.files] if mode in ("file", "folder") else []
    key = hash_bytes(json_bytes([FORMAT, mode, unit, labels]))[:16]
    # A text's characters are among those of the corpus, so its code points have the size of the largest of those.
    points = id_dtype(int(prepared.alphabet.points_A.max()) + 1)
    dtypes: dict[str, np.dtype[Any]] = {"texts": points, **DTYPES}
    if mode == "number":
        dtypes["answers"] = NUMBER
    split = split or (lambda label: [label])
    if prepared.folder is None:
        files = {name: BytesIO() for name in dtypes}
        facts = _write(reader, files, dtypes, split)
        arrays = {name: np.frombuffer(file.getvalue(), dtypes[name]) for name, file in files.items()}
        return _make(mode, facts, arrays)
    place = prepared.folder / f"sides-{key}"
    found = _find(place, dtypes)
    if found is None:
        with report_os_errors():
            _store(reader, place, dtypes, split)
        found = _find(place, dtypes)
        assert found is not None
    return _make(mode, *found)


def _make(mode: str, facts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Sides:
    return Sides(
        mode,
        Sequences(arrays["texts"], arrays["text-ends"]),
        Sequences(arrays["answers"], arrays["answer-ends"]),
        tuple(facts["symbols"]),
        arrays["text-sums"],
        arrays["pair-sums"],
        facts["empty"],
        facts["spaced"],
    )


def _find(
    place: Path, dtypes: Mapping[str, np.dtype[Any]]
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]] | None:
    """What is stored; None if something is missing or was changed later."""
    facts = unseal(place.with_suffix(".json"))
    if facts is None:
        return None
    paths = {name: place.with_name(f"{place.name}-{name}") for name in dtypes}
    if not all(is_whole(path, facts["bytes"][name]) for name, path in paths.items()):
        return None
    return facts, {name: np.memmap(path, dtypes[name], "r").view(np.ndarray) for name, path in paths.items()}


def _store(
    reader: LabelledReader,
    place: Path,
    dtypes: Mapping[str, np.dtype[Any]],
    split: Callable[[str], Sequence[str]],
) -> None:
    """Write the arrays, and then what is known of them."""
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(atomic_file(place.with_name(f"{place.name}-{name}"), PRIVATE))
            for name in dtypes
        }
        facts = _write(reader, files, dtypes, split)
        for file in files.values():
            file.flush()
            os.utime(file.name, ns=(UNTOUCHED_NS, UNTOUCHED_NS))
    with atomic_file(place.with_suffix(".json"), PRIVATE) as file:
        file.write(seal(facts))


def _write(
    reader: LabelledReader,
    files: Mapping[str, BinaryIO],
    dtypes: Mapping[str, np.dtype[Any]],
    split: Callable[[str], Sequence[str]],
) -> dict[str, Any]:
    """Write the arrays of all examples; what is known of them."""
    numbers: dict[str, int] = {}
    ends = {"text-ends": 0, "answer-ends": 0}
    for name in ends:
        files[name].write(np.zeros(1, dtypes[name]).data)
    examples = iter(reader)
    while some := list(islice(examples, AT_ONCE)):
        texts, labels = zip(*some, strict=True)
        parts = [[label] if reader.mode == "number" else split(label) for label in labels]
        flat = [symbol for part in parts for symbol in part]
        values: dict[str, Any] = {
            "texts": code_points("".join(texts)),
            "answers": [float(each) for each in flat]
            if reader.mode == "number"
            else [numbers.setdefault(symbol, len(numbers)) for symbol in flat],
            "text-sums": [_sum(text) for text in texts],
            "pair-sums": [_sum(f"{text}\t{label}") for text, label in some],
        }
        for name, each in (("text-ends", texts), ("answer-ends", parts)):
            values[name] = ends[name] + np.cumsum([len(part) for part in each])
            ends[name] = int(values[name][-1])
        for name, array in values.items():
            files[name].write(np.asarray(array, dtypes[name]).data)
    if not ends["text-ends"]:
        raise CorpusError(f"{reader.source.name} has no examples", hint="give texts with labels")
    sizes = {name: file.tell() for name, file in files.items()}
    return {"symbols": list(numbers), "bytes": sizes, "empty": reader.empty, "spaced": reader.spaced}


def _sum(text: str) -> int:
    data = text.encode("utf-32-le", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
