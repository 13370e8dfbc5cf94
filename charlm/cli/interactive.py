"""The loop of ``charlm sample --interactive``: a text that a person and a model write together."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from charlm.base.errors import CharlmError, UsageError
from charlm.cli.display.candidates import print_candidates
from charlm.cli.output import write_text
from charlm.inference.language_model import LanguageModel

LENGTH = 200  # characters a turn, unless told
SHOWN = 300  # characters of the text that are shown again after a step back
CHOICES = 9
HELP = """\
Type a text, and the model continues it. An empty line lets it write on.
  /t 0.7    temperature           /len 100   characters a turn
  /next     likeliest characters  /3         take the third of them
  /undo     one step back         /new       an empty text
  /text     the whole text        /quit      the end (also Ctrl-D)
Ctrl-C stops the writing. A text that begins with / is typed with a space before it.
"""


@dataclass
class Session:
    """A text, its earlier versions, and the settings it is continued with."""

    model: LanguageModel
    settings: dict[str, Any]
    text: str = ""
    earlier: list[str] = field(default_factory=list)
    turns: int = 0

    def answer(self, line: str) -> None:
        """Do what a line asks for.

        Raises:
            CharlmError: the line cannot be obeyed; the text is as before.
        """
        if not line.startswith("/"):
            self.write_on(line)
            return
        name, _, value = line[1:].strip().partition(" ")
        if name.isdecimal():
            self._choose(int(name))
            return
        commands: dict[str, Callable[[str], None]] = {
            "t": self._set_temperature,
            "len": self._set_length,
            "next": lambda _: print_candidates(self._candidates()),
            "undo": lambda _: self._step_back(),
            "new": lambda _: self._become(""),
            "text": lambda _: _say(self.text),
            "help": lambda _: _say(HELP.rstrip()),
        }
        if name not in commands:
            raise UsageError(f"there is no /{name}; /help lists what there is")
        commands[name](value.strip())

    def _become(self, text: str) -> None:
        self.earlier.append(self.text)
        self.text = text

    def write_on(self, typed: str) -> None:
        """Continue the text after what was typed; a document that has ended is followed by a new one.

        Raises:
            CharlmError: the model cannot read the text; it is as before.
        """
        end = self.model.corpus.document_end
        before = "" if end is not None and self.text.endswith(end) else self.text
        written = self.model.read_prompt(before + typed)
        # Another seed each turn, so that a step back and an empty line write something else.
        seed = (self.settings.get("seed", 1) + self.turns) % 2**63
        pieces = self.model.stream(**(self.settings | {"prompt": written, "seed": seed, "num": 1}))
        first = list(islice(pieces, 1))  # refuses what the model cannot read, before anything is shown
        self.turns += 1
        write_text(written.removeprefix(before))
        count = 0
        with suppress(KeyboardInterrupt):
            for (piece,) in chain(first, pieces):
                write_text(piece)
                sys.stdout.flush()
                written += piece
                count += 1
            if end is not None and count < self.settings["len"]:
                written += end
        _say("")
        self._become(written)

    def _candidates(self) -> list[tuple[str, float]]:
        return self.model.next(self.text, k=CHOICES)

    def _choose(self, number: int) -> None:
        candidates = self._candidates()
        if not 1 <= number <= len(candidates):
            raise UsageError(f"/{number}: choose from 1 to {len(candidates)}")
        character = candidates[number - 1][0]
        is_end = character == self.model.corpus.document_end
        if not is_end and (len(character) > 1 or not self.model.knows(character)):
            raise UsageError(f"/{number} cannot be typed: choose another")
        self._become(self.text + character)
        self._show_end()

    def _step_back(self) -> None:
        if not self.earlier:
            raise UsageError("this is where the text began")
        self.text = self.earlier.pop()
        self._show_end()

    def _set_temperature(self, value: str) -> None:
        self._set("temperature", value, float)

    def _set_length(self, value: str) -> None:
        self._set("len", value, int)

    def _set(self, name: str, value: str, kind: type[float]) -> None:
        """Take a setting, once the model has accepted it."""
        try:
            changed = self.settings | {name: kind(value)}
        except ValueError:
            raise UsageError(f"{value!r} is no number: give one, such as /t 0.7 or /len 100") from None
        self.model.stream(**changed)  # refuses what is outside the limits
        self.settings = changed
        _say(f"{name} {changed[name]:g}")

    def _show_end(self) -> None:
        _say(("..." if len(self.text) > SHOWN else "") + self.text[-SHOWN:])


def run_session(model: LanguageModel, settings: dict[str, Any], name: str) -> None:
    """Read lines from standard input until it ends or /quit, and answer them."""
    session = Session(model, {"len": LENGTH, **settings})
    prompt = session.settings.pop("prompt", "")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # bytes that are no UTF-8 are unknown, and no end
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if is_terminal:
        with suppress(ImportError):
            import readline  # noqa: F401 (input() then edits the line)
        _say(f"{name}, temperature {settings.get('temperature', 1.0):g}. /help lists the commands.")
    if prompt:
        session.write_on(prompt)
    while True:
        try:
            line = input("> " if is_terminal else "")
        except EOFError:
            _say("")
            return
        if line.strip() == "/quit":
            return
        try:
            session.answer(line)
        except CharlmError as error:
            _say(str(error))


def _say(line: str) -> None:
    write_text(line + "\n")
    sys.stdout.flush()
