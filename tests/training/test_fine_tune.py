"""Fine-tuning: characters keep what belongs to them, wherever they stand in the new vocabulary."""

import numpy as np
import pytest

from charlm.base.errors import UsageError
from charlm.config import TrainingConfig
from charlm.data.vocabulary import Vocabulary
from charlm.inference.language_model import LanguageModel
from charlm.nn.cells import CELLS
from charlm.training.fine_tune import inherited, transfer

OURS, THEIRS = "abcdé", "-bdexé𝄞"
SHARED = "bdé"
ENCODING = pytest.mark.parametrize("encoding", ["one-hot", "embedding"])
TIED = {"encoding": "embedding", "tied": True, "embedding_size": 4}


@pytest.fixture
def models(make_model):
    """A function that makes a model of THEIRS to start from, and a fresh one of OURS."""

    def make(**config):
        config = {"layers": 2, **config}
        return tuple(
            LanguageModel(make_model(len(symbols), seed=seed, **config), Vocabulary.of(symbols), 10)
            for seed, symbols in enumerate((THEIRS, OURS))
        )

    return make


def code(model, symbol):
    return model.vocabulary.symbols.index(symbol)


@ENCODING
@pytest.mark.parametrize("cell", CELLS.names())
def test_characters_are_matched_by_character(models, cell, encoding):
    source, target = models(cell=cell, encoding=encoding)
    fresh = {name: values.copy() for name, values in target.network.params.items()}
    report = transfer(source, target)
    assert (report.kept, report.new, report.dropped) == (3, ("a", "c"), ("-", "e", "x", "𝄞"))
    rows = {"embedding", "readout.b_y"} | ({"layers.0.W_xh"} if encoding == "one-hot" else set())
    for name, values in target.network.params.items():
        theirs, before = source.network.params[name], fresh[name]
        if name not in rows and name != "readout.W_hy":
            assert np.array_equal(values, theirs), name
            continue
        if name == "readout.W_hy":
            values, theirs, before = values.T, theirs.T, before.T
        for symbol in OURS:
            own = theirs[code(source, symbol)] if symbol in SHARED else before[code(target, symbol)]
            assert np.array_equal(values[code(target, symbol)], own), (name, symbol)


@pytest.mark.parametrize("encoding", [{}, {"encoding": "embedding"}, TIED], ids=["one-hot", "embedding", "tied"])
def test_shared_characters_mean_the_same_afterwards(models, encoding):
    source, target = models(cell="lstm", **encoding)
    transfer(source, target)
    logits = []
    for model in (source, target):
        state = model.network.zero_state(1)
        for symbol in "bdébbd":
            after, state = model.network.step(np.array([code(model, symbol)]), state)
        logits.append([after[0, code(model, symbol)] for symbol in SHARED])
    assert logits[0] == pytest.approx(logits[1], rel=1e-12)


@ENCODING
def test_a_model_of_the_same_text_is_copied_whole(make_model, encoding):
    vocabulary = Vocabulary.of(OURS)
    source, target = (LanguageModel(make_model(5, seed=s, encoding=encoding), vocabulary, 10) for s in (1, 2))
    report = transfer(source, target)
    assert np.array_equal(source.network.params.flat, target.network.params.flat)
    assert (report.kept, report.new, report.dropped) == (5, (), ())


def test_nothing_shared_leaves_the_symbols_fresh(make_model):
    source = LanguageModel(make_model(2, seed=1), Vocabulary.of("xy"), 10)
    target = LanguageModel(make_model(3, seed=2), Vocabulary.of("abc"), 10)
    readout = target.network.params["readout.W_hy"].copy()
    assert transfer(source, target).kept == 0
    assert np.array_equal(target.network.params["readout.W_hy"], readout)
    assert np.array_equal(target.network.params["layers.0.W_hh"], source.network.params["layers.0.W_hh"])


@pytest.mark.parametrize(
    "config", [{"hidden": 5}, {"layers": 1}, {"cell": "gru"}, {"dtype": "float32"}, {"encoding": "embedding"}]
)
def test_other_settings_are_refused_and_nothing_changes(models, make_model, config):
    source, _ = models()
    other = LanguageModel(make_model(5, **{"layers": 2, **config}), Vocabulary.of(OURS), 10)
    before = other.network.params.flat.copy()
    with pytest.raises(UsageError, match="--init-from needs the same model settings"):
        transfer(source, other)
    assert np.array_equal(other.network.params.flat, before)


def test_a_run_begins_from_another_s_weights(begun):
    first, _ = begun(steps=3)
    for _ in range(3):
        first.state = first.step(0.0)[0]
    second, _ = begun(text="abcxyz\n " * 40, steps=3)
    report = transfer(first.language_model(), second.language_model())
    assert report.new == ("x", "y", "z")
    ours, theirs = second.engine._model.params, first.engine._model.params
    assert np.array_equal(ours["layers.1.W_xh"], theirs["layers.1.W_xh"])
    symbols = second.corpus.vocabulary.symbols, first.corpus.vocabulary.symbols
    assert ours["readout.b_y"][symbols[0].index("a")] == theirs["readout.b_y"][symbols[1].index("a")]
    assert second.state.step == 0


def test_the_end_and_the_unknown_symbol_are_matched_as_such(make_model):
    theirs = Vocabulary(("a", "b", "\ufffd"), 3, has_end=True, rare=("x",))
    ours = Vocabulary(("b", "c"), 2, has_end=True, rare=("y", "z"))
    source, target = (
        LanguageModel(make_model(len(symbols), seed=seed), symbols, 10)
        for seed, symbols in enumerate((theirs, ours))
    )
    report = transfer(source, target)
    assert (report.kept, report.new, report.dropped) == (3, ("c",), ("a", "\ufffd"))
    bias, own = source.network.params["readout.W_hy"], target.network.params["readout.W_hy"]
    for from_code, to_code in ((theirs.end, ours.end), (theirs.unknown, ours.unknown), (1, 0)):
        assert np.array_equal(own[:, to_code], bias[:, from_code])


def test_a_byte_is_a_character_where_it_is_ascii(make_model):
    as_bytes = Vocabulary(tuple(map(chr, range(256))), 10, "bytes")
    source = LanguageModel(make_model(256), as_bytes, 10)
    target = LanguageModel(make_model(3), Vocabulary.of("a~é"), 10)
    report = transfer(source, target)
    assert (report.kept, report.new, len(report.dropped)) == (2, ("é",), 254)
    assert "<0xE9>" in report.dropped


def test_what_a_symbol_is_is_taken_over_unless_it_is_given():
    origin = TrainingConfig.from_settings(
        lowercase=True, normalize="nfc", min_count=2, lines=True, lr=0.5, hidden=9
    )
    taken = inherited(origin, {"steps": 5, "lr": 0.1})
    corpus = TrainingConfig.from_settings(**taken).corpus
    assert (corpus.lowercase, corpus.normalize, corpus.min_count, corpus.lines) == (True, "nfc", 2, True)
    assert (taken["hidden"], taken["lr"], taken["steps"]) == (9, 0.1, 5)
    assert "glob" not in taken
    given = TrainingConfig.from_settings(**inherited(origin, {"bytes": True, "delimiter": "|"})).corpus
    assert (given.units, given.lowercase, given.document_end) == ("bytes", False, "|")
    assert not TrainingConfig.from_settings(**inherited(origin, {"lines": False})).corpus.lines


@pytest.mark.parametrize("own", [{"bytes": True, "lines": True}, {"delimiter": "|"}])
def test_a_run_that_starts_from_another_s_weights_reads_as_it_did(own):
    origin = TrainingConfig.from_settings(**own)
    assert TrainingConfig.from_settings(**inherited(origin, {})).corpus == origin.corpus
