"""Small runs and raw safetensors files, for the tests of what is stored."""

import json

import pytest

from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.runs.corpus_record import CorpusIdentity
from charlm.runs.run import Run


@pytest.fixture(scope="session")
def identity():
    return CorpusIdentity("letters", "file", ("/texts/letters.txt",), "0" * 64, 20, 18)


@pytest.fixture(scope="session")
def make_run(identity):
    """A function that creates a run of a tiny model, without weights."""

    def make(folder, text="abc\n", first=None, **settings):
        config = TrainingConfig.from_settings(**{"cell": "gru", "hidden": 3, **settings})
        return Run.create(folder, config, Vocabulary.of(text), identity, first)

    return make


@pytest.fixture(scope="session")
def raw_file():
    """A function that makes a safetensors file's bytes from any header and data, right or wrong."""

    def make(header, data=b"", length=None):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return (len(text) if length is None else length).to_bytes(8, "little") + text + data

    return make
