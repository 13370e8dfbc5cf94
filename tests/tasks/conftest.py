"""A small labelled corpus with a trained classifier, and the command line in its folder."""

from contextlib import chdir

import numpy as np
import pytest

from tests.cli.conftest import call, call_main, on_terminal  # noqa: F401 (fixtures)

TINY = ("--hidden", "12", "--batch-size", "16", "--lr", "0.03", "--dropout", "0", "--workers", "1", "--quiet")


@pytest.fixture(scope="session")
def tiny():
    """The settings of a training that takes no time."""
    return TINY


@pytest.fixture(scope="module")
def classified(tmp_path_factory):
    """A folder with words/, two classes of made words, and a run that tells them apart, runs/words-1."""
    folder, rng = tmp_path_factory.mktemp("classified"), np.random.default_rng(0)
    (folder / "words").mkdir()
    for label, letters in (("north", "aeit"), ("south", "orsu")):
        made = {"".join(rng.choice(list(letters), rng.integers(3, 8))) for _ in range(60)}
        (folder / "words" / f"{label}.txt").write_text("\n".join(sorted(made)) + "\n")
    with chdir(folder):
        ended = call_main("train", "words", "--task", "classify", "--steps", "60", *TINY)
        assert ended.code == 0, ended.err
    return folder


@pytest.fixture
def inside(classified, monkeypatch):
    """That folder, as the working folder."""
    monkeypatch.chdir(classified)
    return classified
