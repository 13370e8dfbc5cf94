"""Exported scripts: charlm's logits from NumPy or PyTorch alone; no file that is no export is replaced."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from charlm.base.errors import RunError
from charlm.config import CorpusConfig
from charlm.data.alphabet import Alphabet, code_points
from charlm.data.vocabulary import Vocabulary
from charlm.engines.numpy.network import open_network
from charlm.inference.exporter import EXPORTERS
from charlm.inference.language_model import LanguageModel
from charlm.nn.cells import CELLS

HOSTILE = "".join(sorted("\"'\\\n\r\t\x00\x1b{}\u202e\u2028é唐\U0001f600# "))
CASES = [
    *({"cell": cell} for cell in CELLS.names()),
    {"cell": "gru", "reset_after": True, "layers": 2},
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "lstm", "layers": 3, "residual": True, "learned_state": True},
    {"cell": "lstm", "encoding": "embedding", "learned_state": True},
    {"cell": "lnlstm", "layers": 2, "encoding": "embedding", "embedding_size": 4, "tied": True},
    *({"cell": cell, "encoding": "embedding", "embedding_size": 3, "tied": True} for cell in ("lstm", "mlstm")),
    *({"cell": cell, "adaptive_softmax": True} for cell in ("lstm", "mlstm")),
]
has_torch = importlib.util.find_spec("torch") is not None
LIBRARIES = [
    "numpy",
    pytest.param("torch", marks=pytest.mark.skipif(not has_torch, reason="PyTorch is not installed")),
]


def load(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def export(tmp_path, make_model):
    """A function that exports a model to a library, and gives it and the script."""

    def run(library, vocabulary=Vocabulary.of("abcd\n"), corpus=CorpusConfig(), **settings):  # noqa: B008
        network = make_model(len(vocabulary), **settings)
        network.params.flat[:] = np.random.default_rng(1).normal(size=network.params.flat.size, scale=0.5)
        model = LanguageModel(network, vocabulary, 100, corpus)
        EXPORTERS.find(library)().export_model(model, tmp_path / "model.py")
        return model, load(tmp_path / "model.py")

    return run


def logits_of(script, library, ids):
    if library == "torch":
        import torch

        logits, _ = script.load()(torch.tensor(ids)[:, None])
        return logits[:, 0].detach().numpy()
    states, rows = script.STATES, []
    for symbol in ids:
        logits, states = script.read(symbol, states)
        rows.append(logits)
    return np.array(rows)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("settings", CASES, ids=str)
def test_a_script_gives_charlms_logits(export, library, settings):
    model, script = export(library, **settings)
    ids = np.array([0, 3, 1, 1, 4, 2, 0], np.uint8)
    network = open_network(model.network)
    network.begin(1)
    expected = network.read(ids[:, None]).logits()[:, 0]
    np.testing.assert_allclose(logits_of(script, library, ids.tolist()), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_cold_sample_is_charlms(export, library):
    for corpus in (CorpusConfig(), CorpusConfig(lowercase=True)):
        model, script = export(library, corpus=corpus, cell="gru")
        prompt = "AB" if corpus.lowercase else "ab"
        expected = model.sample(20, prompt=prompt, temperature=0)
        assert script.sample(prompt, 20, temperature=0).lower() == expected
    with pytest.raises(ValueError, match=r"never seen \['é'\]"):
        script.sample("aé")


@pytest.mark.parametrize("library", LIBRARIES)
def test_bytes_documents_and_rare_characters(export, library):
    counts = np.bincount(code_points("abab\udc00\udc00é"))
    alphabet = Alphabet.from_counts(counts, "characters", "\n")
    documents = Vocabulary.from_counts(alphabet, alphabet.counts_A, 2)
    model, script = export(library, documents, CorpusConfig(lines=True, min_count=2), cell="rnn")
    assert documents.end == 2 and documents.unknown == 3
    texts = [script.sample("", 40, 1.5) for _ in range(3)]
    assert all(set(text) <= {"a", "b"} for text in texts)
    assert script.encode("ab") == [2, 0, 1]
    every = Vocabulary(tuple(map(chr, range(256))), 10, "bytes")
    model, script = export(library, every, CorpusConfig(bytes=True), cell="rnn")
    assert script.encode("é") == list("é".encode())
    assert script.sample("é", 9, 0) == model.sample(9, prompt="é", temperature=0)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_hostile_vocabulary_stays_data(export, library):
    _, script = export(library, Vocabulary.of(HOSTILE))
    assert script.SYMBOLS == HOSTILE
    text = Path(script.__file__).read_text(encoding="utf-8")
    assert not set("\x00\x1b\u202e\u2028") & set(text)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_script_runs_by_itself(export, library, tmp_path):
    export(library, cell="gru")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", tmp_path / "model.py", "ab", "7", "0.5"],
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert done.stdout.startswith("ab") and len(done.stdout) == 2 + 7 + 1 and done.stderr == ""
    text = (tmp_path / "model.py").read_text()
    assert "import charlm" not in text and sum(map(bool, text.splitlines())) <= 62


def test_only_exports_are_replaced(export, tmp_path):
    export("numpy")
    export("numpy", cell="gru")
    for name in ("model.py", "model.safetensors"):
        before = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(RunError, match=f"{name} is there, and no export"):
            export("numpy")
        assert (tmp_path / name).read_bytes() == b"mine"
        (tmp_path / name).write_bytes(before)
