"""Models without training, and a folder to keep runs in."""

import pytest

from charlm.data.reading.sources import find_text
from charlm.data.vocabulary import Vocabulary
from charlm.engines.threads import ThreadPool
from charlm.inference.language_model import LanguageModel
from charlm.training.loop import train
from charlm.training.presets import resolve_settings
from charlm.training.start import new_run, new_trainer

TRAINING = "abca\nbcab\ncc\n" * 10


@pytest.fixture(scope="session")
def pool():
    with ThreadPool(2) as pool:
        yield pool


@pytest.fixture
def model(make_model):
    vocabulary = Vocabulary.of(TRAINING)
    return LanguageModel(make_model(len(vocabulary), cell="gru"), vocabulary, len(TRAINING))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a corpus of 500 characters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    (tmp_path / "corpus.txt").write_text("".join("abcde \n"[i * i % 7] for i in range(500)))
    return tmp_path


@pytest.fixture
def keep(here):
    """A function that trains for a step and keeps the run under ``runs/``."""

    def kept(name, corpus="corpus.txt", **settings):
        settings = {"hidden": 4, "seq_len": 8, "batch_size": 4, "steps": 1, "sample_every": 0, **settings}
        trainer = new_trainer(find_text(corpus), resolve_settings(settings))
        with new_run(trainer, here / "runs" / name) as run:
            list(train(trainer, run))
        return run

    return kept
