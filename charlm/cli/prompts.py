"""Unknown characters in what a model is to continue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from charlm.base.errors import VocabularyError
from charlm.cli.output import write_note
from charlm.inference.language_model import LanguageModel


@contextmanager
def hinting_skip() -> Iterator[None]:
    """Name --skip-unknown where a prompt holds an unknown character."""
    try:
        yield
    except VocabularyError as error:
        error.hint = f"{error.hint}; --skip-unknown leaves out such characters"
        raise


def skip_unknown(model: LanguageModel, prompt: str) -> str:
    """The prompt without unknown characters, which are named on standard error."""
    prompt, unknown = model.split_unknown(prompt)
    if unknown:
        named = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in unknown)
        write_note(f"left out of the prompt: {named}")
    return prompt
