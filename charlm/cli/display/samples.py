"""Printing samples: streamed, one below the other, or as JSON lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from charlm.cli.output import print_json, write_text
from charlm.inference.conditioned import LabelledSample
from charlm.inference.language_model import LanguageModel
from charlm.inference.selection import Selection, select, shortage


@dataclass
class SamplePrinter:
    """Draws samples and prints them; ``shortages`` says where too few fit the selection."""

    model: LanguageModel
    name: str
    selection: Selection
    known: frozenset[str]
    is_raw: bool
    is_json: bool
    is_streamed: bool
    label: str | None = None
    shortages: list[str] = field(default_factory=list)

    def print(self, settings: dict[str, Any]) -> None:
        """Print the samples of one temperature."""
        is_selected = self.selection != Selection()
        number = settings.get("num", 1)
        if self.is_streamed and number == 1 and not is_selected:
            self._stream(settings)
            return
        if is_selected:
            texts, drawn = select(self.model, self.selection, self.known, settings)
            if len(texts) < number:
                self.shortages.append(shortage(len(texts), number, drawn))
        else:
            texts = self.model.samples(**({"num": 1} | settings))
        if self.is_json:
            for place, text in enumerate(texts):
                label = text.label if isinstance(text, LabelledSample) else self.label
                values = {"temperature": settings["temperature"], "mix": self.model.is_mixed}
                values |= {} if label is None else {"label": label}
                print_json({"run": self.name, "number": place, **values, "text": text})
        else:
            separator = self.model.corpus.document_end or "\n\n"
            write_text(separator.join(texts) + "\n" * bool(texts), self.is_raw)

    def _stream(self, settings: dict[str, Any]) -> None:
        """Write each character of one sample at once."""
        characters = (character for (character,) in self.model.stream(**settings))
        first = next(characters, "")  # refuses a prompt that the model cannot read, before it is printed
        for piece in chain((self.model.read_prompt(settings.get("prompt", "")), first), characters):
            write_text(piece, self.is_raw)
            sys.stdout.flush()
        sys.stdout.write("\n")
