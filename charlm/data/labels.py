"""Reading labelled texts: one file a label, one folder a label, or lines with a tab between text and label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig
from charlm.data.reading.decode import decode
from charlm.data.reading.file_formats import plain_name
from charlm.data.reading.files import TextFile
from charlm.data.reading.preprocess import BYTE_ORDER_MARK, preprocess_text
from charlm.data.reading.sources import Source

MODES = ("file", "folder", "tab", "number")
"""The values of ``--labels``: a file's name, its folder's, what stands behind a tab, or a number there."""
WORDS = {
    "file": "every line is an example, its file's name the label",
    "folder": "every file is an example, its folder's name the label",
    "tab": "every line is a text, a tab and its label",
    "number": "every line is a text, a tab and a number",
    "pair": "every line is a source, a tab and its target",
}
SPACE = " \t\n\r\f\v"
"""White space that is taken off the ends of texts and labels."""


def preprocess_examples(texts: Sequence[str], config: CorpusConfig) -> list[str]:
    """The symbols of texts as ``LabelledReader`` reads them, without white space at their ends.

    >>> preprocess_examples([" Ada ", ""], CorpusConfig(lowercase=True))
    ['ada', '']
    """
    return [preprocess_text(text.strip(SPACE), config) for text in texts]


@dataclass
class LabelledReader:
    """Reads the examples of a source, one after the other: texts of preprocessed symbols, and their labels.

    In the mode ``pair`` the label is a target. ``empty`` counts the empty lines and files that were left out so
    far, ``spaced`` the lines with white space at an end. If it ``skips`` lines that are no example, ``refused``
    counts them.
    """

    source: Source
    config: CorpusConfig
    mode: str
    skips: bool = False
    empty: int = 0
    spaced: int = 0
    refused: int = 0

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """The texts and labels, in order.

        Raises:
            CorpusError: a file is unreadable, a line has no label, or labels cannot be told apart.
        """
        if self.mode in ("file", "folder") and not self.skips:
            _check_case([self.label_of(member) for member in self.source.files])
        for member in self.source.files:
            if self.mode == "folder":
                yield from self._take("\n".join(read_lines(member, self.config.bytes)), self.label_of(member))
            elif self.mode == "file":
                for line in read_lines(member, self.config.bytes):
                    yield from self._take(line, self.label_of(member))
            else:
                for number, line in enumerate(read_lines(member, self.config.bytes), start=1):
                    try:
                        label = find_label(line, f"{member.label}, line {number}", self.mode)
                    except CorpusError:
                        if not self.skips:
                            raise
                        self.refused += 1
                    else:
                        yield from self._take(line.partition("\t")[0], label)

    def label_of(self, member: TextFile) -> str:
        """The label of a file's examples, in the modes ``file`` and ``folder``."""
        path = member.path or member.label
        if self.mode == "folder":
            return PurePath(path).parent.name
        return PurePath(plain_name(path)).stem.strip(SPACE)

    def _take(self, text: str, label: str) -> Iterator[tuple[str, str]]:
        """An example, unless its text is empty."""
        stripped = text.strip(SPACE)
        if not stripped:
            self.empty += 1
            return
        self.spaced += stripped != text.removesuffix("\r")
        yield preprocess_text(stripped, self.config), label


def guess_mode(source: Source, is_number: bool = False) -> str:
    """How a source is labelled, by its files.

    Raises:
        CorpusError: it has files and folders of texts at once.
    """
    roots = [Path(path) for path in source.paths if Path(path).is_dir()]
    if is_number or not roots:
        first = next(iter(read_lines(source.files[0], is_bytes=True)), "")
        if is_number or "\t" in first or len(source.files) == 1:
            return "number" if is_number else "tab"
        return "file"
    depths = {_depth(member, roots) for member in source.files}
    if len(roots) > 1 or depths == {2}:
        return "folder"
    if depths == {1}:
        return "file"
    raise CorpusError(
        f"{source.label} has files and folders of texts at once, or folders within folders",
        hint="give one file a label, or one folder a label",
    )


def _depth(member: TextFile, roots: list[Path]) -> int:
    """How far below its folder a file lies."""
    path = Path(member.path or "")
    return min(
        len(path.relative_to(root).parts) for root in map(Path.resolve, roots) if path.is_relative_to(root)
    )


def read_lines(member: TextFile, is_bytes: bool = False) -> Iterator[str]:
    """A file's lines, without a byte order mark and the end of the last."""
    pieces, mark = decode(member.blocks(), member.label), BYTE_ORDER_MARK
    if is_bytes:
        pieces, mark = (block.decode("latin-1") for block in member.blocks()), "\xef\xbb\xbf"
    held: str | None = None
    for piece in pieces:
        *lines, held = (piece.removeprefix(mark) if held is None else held + piece).split("\n")
        yield from (_as_text(line, is_bytes) for line in lines)
    if held:
        yield _as_text(held, is_bytes)


def _as_text(line: str, is_bytes: bool) -> str:
    """A line of characters; invalid UTF-8 in bytes becomes surrogate escapes."""
    return line.encode("latin-1").decode("utf-8", "surrogateescape") if is_bytes else line


def split_at_tab(line: str, where: str, second: str, first: str = "text") -> tuple[str, str]:
    """The two parts of a line, without white space at their ends.

    Raises:
        CorpusError: it has no tab or several, or a part is empty.
    """
    parts = [part.strip(SPACE) for part in line.split("\t")]
    hint = f"write the {first}, one tab, and its {second}"
    if len(parts) != 2:
        tabs = "no tab" if len(parts) == 1 else f"{len(parts) - 1} tabs"
        raise CorpusError(f"{where} has {tabs}", hint=hint)
    for name, part in zip((first, second), parts, strict=True):
        if not part:
            raise CorpusError(f"{where} has no {name}", hint=hint)
    return parts[0], parts[1]


def find_label(line: str, where: str, mode: str) -> str:
    """The label, number or target of a line.

    Raises:
        CorpusError: it cannot be told from the text, or one of the two is empty.
    """
    names = {"number": ("number",), "pair": ("target", "source")}.get(mode, ("label",))
    _, label = split_at_tab(line, where, *names)
    if mode == "number" and not is_number(label):
        raise CorpusError(f"{where} has {label!r:.40} in the place of a number", hint="write a finite number")
    return label


def is_number(label: str) -> bool:
    """Whether it is a finite number.

    >>> is_number("-1e3"), is_number("inf"), is_number("one")
    (True, False, False)
    """
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def _check_case(labels: list[str]) -> None:
    """Check that labels differ by more than their case.

    Raises:
        CorpusError: two do not.
    """
    by_case: dict[str, str] = {}
    for label in dict.fromkeys(labels):
        other = by_case.setdefault(label.casefold(), label)
        if other != label:
            raise CorpusError(
                f"the labels {other!r} and {label!r} differ by case alone", hint="rename one of them"
            )
