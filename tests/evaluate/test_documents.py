"""Every measurement on runs of documents, of bytes, with an unknown symbol, and on a text that was changed."""

import json
import math

import numpy as np
import pytest

from charlm.base.errors import CorpusError, UsageError
from charlm.config import CorpusConfig
from charlm.data.vocabulary import Vocabulary
from charlm.evaluate.base import EvalCase
from charlm.evaluate.jacobians import jacobians, read_passages
from charlm.evaluate.measures import MEASUREMENTS
from charlm.evaluate.subjects import subjects_of
from charlm.inference.language_model import LanguageModel

WORDS = "".join(f"{'abcde'[i % 5] * (i % 3 + 1)}{'éxyzxxyx'[i * i * i % 8]}\n" for i in range(96))
LINES, DELIMITED = {"lines": True}, {"delimiter": "x\n"}
SETTINGS = [LINES, DELIMITED, {"bytes": True}, {"min_count": 20}, {"bytes": True, **LINES}]
SETTINGS += [{"lowercase": True, "min_count": 20, **LINES}]
SMALL = {
    "context": {"longest": 4, "places": 10},
    "gradients": {"distance": 4, "positions": 2},
    "perplexity": {"resamples": 100, "dynamic": True},
    "baselines": {"max_order": 2},
}
PLAIN = [name for name in MEASUREMENTS.names() if MEASUREMENTS.find(name).cases == "models"]


def nothing(done, total):
    pass


def measure(name, subject, pool, **settings):
    return MEASUREMENTS.find(name)(**SMALL.get(name, {}), **settings).measure([subject], pool, nothing)


@pytest.fixture
def words(here):
    (here / "words.txt").write_text(WORDS)
    (here / "other.txt").write_text("abé\nXΩ\n\na" * 5)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_measurement_works_on_every_kind_of_corpus(words, keep, pool, settings):
    run = keep("run", "words.txt", **settings)
    for targets, split in ((["run"], None), (["run", "other.txt"], None)):
        (subject,) = subjects_of(targets, split)
        for name in PLAIN:
            (record,) = measure(name, subject, pool).records
            assert json.dumps(record)
            assert record.get("lossy", run.config.corpus.lowercase) == run.config.corpus.lowercase
            if name in ("perplexity", "baselines", "surprisal"):
                assert record["characters"] == len(subject.part) - 1
                assert record["bytes"] == subject.part.target_bytes


def test_a_text_file_is_read_as_the_run_reads_its_corpus(words, keep, here):
    keep("run", "words.txt", lowercase=True, **LINES)
    (subject,) = subjects_of(["run", "other.txt"], None)
    assert subject.part.text == "abé\nxω\n" + "aabé\nxω\n" * 4 + "a\n"
    assert subject.shown == "\n" + subject.part.text


def test_an_end_that_is_no_line_is_shown_by_a_sign(words, keep, here):
    keep("run", "words.txt", **DELIMITED)
    (here / "some.txt").write_text("ax\nb")
    (subject,) = subjects_of(["run", "some.txt"], None)
    assert subject.shown == "␄a␄b␄"


def test_the_compressors_see_the_documents_with_their_ends(words, keep, pool):
    keep("run", "words.txt", **LINES)
    (subject,) = subjects_of(["run"], None)
    before, text = subject.training.text, subject.part.text
    assert sorted((before + text).splitlines()) == sorted(WORDS.splitlines())
    (record,) = measure("baselines", subject, pool).records
    (xz,) = [each for each in record["baselines"] if each["model"] == "xz"]
    compressors = MEASUREMENTS.find("baselines").measure.__globals__["COMPRESSORS"]
    _, compress = compressors["xz"]
    bits = 8 * (len(compress((before + text).encode())) - len(compress(before.encode())))
    assert xz["nats_per_char"] == pytest.approx(bits * math.log(2) / len(text))
    assert record["bytes"] == len(text.encode())


def test_a_changed_text_is_marked(words, keep, pool):
    keep("run", "words.txt", lowercase=True)
    (subject,) = subjects_of(["run"], None)
    assert subject.text_name == "words, val [lossy]"
    findings = measure("perplexity", subject, pool)
    assert findings.records[0]["lossy"]
    assert any("do not compare with those of the original" in note for note in findings.notes)


def test_rare_characters_are_counted_as_unknown_and_are_read_all_the_same(words, keep, pool):
    run = keep("run", "words.txt", min_count=20)
    assert run.vocabulary.rare
    (subject,) = subjects_of(["run"], "train")
    (record,) = measure("perplexity", subject, pool).records
    assert record["unknown"] == sum(subject.part.text[1:].count(symbol) for symbol in run.vocabulary.rare)
    assert record["unknown_nats_each"] > math.log(len(run.vocabulary.rare) + 1)
    (colored,) = measure("surprisal", subject, pool).colored
    assert all(colored.guesses[1:])
    assert "\ufffd" in {guess.character for guesses in colored.guesses for guess in guesses}


def test_the_test_part_is_asked_for_by_name(words, keep, here):
    keep("run", "words.txt", split="60/20/20")
    val, test = (subjects_of(["run"], split)[0] for split in ("val", "test"))
    assert val.part.text + test.part.text == WORDS[-len(val.part) - len(test.part) :]
    assert test.text_name == "words, test"
    keep("none", "words.txt", split="80/20")
    with pytest.raises(UsageError, match="none has no test split: give a text file as TARGET, or --split train"):
        subjects_of(["none"], "test")


def test_a_test_file_is_read_for_the_test_alone(words, keep, here):
    (here / "test.txt").write_text("aé\nb\n")
    keep("run", "words.txt", val_file="other.txt", test_file="test.txt", **LINES)
    assert subjects_of(["run"], "test")[0].part.text == "aé\nb\n"
    (here / "test.txt").unlink()
    assert subjects_of(["run"], "val")[0].part.text == "abé\nXΩ\n" + "aabé\nXΩ\n" * 4 + "a\n"
    with pytest.raises(CorpusError, match=r"test\.txt"):
        subjects_of(["run"], "test")


@pytest.mark.parametrize("learned_state", [False, True])
def test_no_gradient_passes_the_start_of_a_document(make_model, learned_state):
    model = make_model(4, cell="lstm", learned_state=learned_state)
    model.params.flat[:] += 0.1
    end = 3
    ids_TP = np.array([[0, 1, 2, end, 1, 0, 2]], np.uint8).T
    (passage,) = read_passages(model, ids_TP, 6, end)
    norms = [float(np.abs(jacobian).max()) for jacobian in jacobians(model, passage)]
    assert all(norms[:2]) and not any(norms[2:])
    state, buffers = model.initial_state(1), model.buffers(1, 1)
    for code in (end, 1, 0):
        _, state = model.forward(np.array([[code]]), state, buffers)
    for layer, own in zip(passage.states[-1], state, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(layer, own, strict=True))


def test_a_context_longer_than_the_documents_tells_nothing_more(make_model, pool):
    vocabulary = Vocabulary(("a", "b", "c"), 3, has_end=True)
    model = LanguageModel(make_model(4), vocabulary, 100, CorpusConfig(lines=True))
    part = model.part_of("".join(f"{'abc'[i % 3]}{'bca'[i * i % 3]}\n" for i in range(60)))
    subject = EvalCase("run", model, "text", part, None)
    (record,) = MEASUREMENTS.find("context")(longest=8, places=90).measure([subject], pool, nothing).records
    losses = {point["context"]: point["nats_per_char"] for point in record["contexts"]}
    # A target has at most an end and two characters before it that it could be told by.
    assert losses[1] != losses[2] != losses[4] == pytest.approx(losses[8], rel=1e-12)
