"""Typical errors with labelled texts, planted one by one: a check has to find each."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from charlm.config import TrainingConfig
from charlm.data import examples, labels
from charlm.data.labelled_text import read_labelled_corpus
from charlm.data.reading.sources import find_source
from charlm.data.windows import Batcher
from charlm.models import classifier
from charlm.tasks import label_counts
from charlm.tasks.label_counts import LabelCounts, count_labels
from charlm.tasks.task import make_task
from tests.laws.test_batch_invariance import TEXTS, make, pack, run


@pytest.fixture
def folder(tmp_path):
    """Names of two labels; ten of them stand under both, in one file with a space at the end."""
    both = [f"both{number}" for number in range(10)]
    (tmp_path / "Many.txt").write_text("\n".join([f"many{number}" for number in range(60)] + both))
    (tmp_path / "Rare.txt").write_text("\n".join([f"rare{number}" for number in range(10)] + both) + " \n")
    return tmp_path


def read(folder, **settings):
    config = TrainingConfig.from_settings(task="classify", labels="file", split="50/25/25", **settings)
    return config, make_task(config).read(find_source([str(folder)], "**/*.txt"))


def check_macro_f1(folder):
    """The third label is never true."""
    found = count_labels(np.array([0, 1]), np.log([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]), 3)
    assert found.macro_f1 == 1


def check_splits(folder):
    _, read_examples = read(folder)
    parts = [set(part.texts) for part in (read_examples.train, read_examples.validation, read_examples.test)]
    assert sum(map(len, parts)) == len(set.union(*parts))


def check_spaces(folder):
    _, read_examples = read(folder)
    texts = [
        text
        for part in (read_examples.train, read_examples.validation, read_examples.test)
        for text in part.texts
    ]
    assert all(text == text.strip() for text in texts)


def check_targets(folder):
    config = TrainingConfig.from_settings(lines=True, labels="file", seq_len=8, batch_size=4)
    corpus = read_labelled_corpus(find_source([str(folder)], "**/*.txt"), config)
    for batch in corpus.batches(config.batching).epoch(np.random.default_rng(0)):
        assert batch["y_TB"].max() < len(corpus.vocabulary) <= batch["x_TB"].max()


def check_training_loss(folder):
    model = make()
    losses = [run(model, pack(model, TEXTS, weights=weights))[1] for weights in (None, [1, 2, 3, 4])]
    assert losses[0] == losses[1]


def check_validation(folder):
    config, read_examples = read(folder, balance="full")
    outputs = {int(length): [0.0, float(length)] for length in range(20)}
    predictor = lambda batch: np.array([outputs[int(length)] for length in batch["length_B"]])  # noqa: E731
    part = read_examples.validation
    found = make_task(config).validate(SimpleNamespace(predictor=lambda: predictor), read_examples)
    logits_DL = np.array([outputs[len(text)] for text in part.texts])
    nats_D = np.log(np.exp(logits_DL).sum(axis=1)) - logits_DL[np.arange(len(part)), part.targets_D]
    assert found.loss == pytest.approx(nats_D.mean(), rel=1e-12)


def let_start_symbols_be_targets(patch):
    """The targets are the inputs of the next step, start symbols included."""
    original = Batcher._batch

    def batch(self, *given, **named):
        found = original(self, *given, **named)
        y_TB = np.concatenate([found["x_TB"][1:], found["y_TB"][-1:]])
        return replace(found, fields={**found.fields, "y_TB": y_TB})

    patch.setattr(Batcher, "_batch", batch)


def weigh_the_training_loss(patch):
    original = classifier.loss_and_gradient
    patch.setattr(
        classifier,
        "loss_and_gradient",
        lambda *given, weight_N: original(*given, weight_N=weight_N) * weight_N.mean(),
    )


def weigh_the_validation(patch):
    """Each example counts by its label's weight, as in the gradient."""

    def weighted(targets_D, log_probs_DL, count):
        weight_D = 1 / np.bincount(targets_D)[targets_D]
        nats_D = -log_probs_DL[np.arange(len(targets_D)), targets_D]
        return replace(
            count_labels(targets_D, log_probs_DL, count), nats=float(np.average(nats_D, weights=weight_D))
        )

    patch.setattr(label_counts, "count_labels", weighted)


MUTANTS = {
    "macro-F1 over labels that are not there": (
        check_macro_f1,
        lambda p: p.setattr(LabelCounts, "macro_f1", property(lambda self: float(self.f1_L.mean()))),
    ),
    "one text in two splits": (
        check_splits,
        lambda p: p.setattr(examples, "number_texts", lambda sums_D: np.arange(len(sums_D))),
    ),
    "white space that gives a label away": (check_spaces, lambda p: p.setattr(labels, "SPACE", "\n")),
    "a start symbol as a target": (check_targets, let_start_symbols_be_targets),
    "weights in the reported loss": (check_training_loss, weigh_the_training_loss),
    "weights in the validation": (check_validation, weigh_the_validation),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_error_is_found(monkeypatch, folder, mutant):
    check, plant = MUTANTS[mutant]
    check(folder)
    plant(monkeypatch)
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(folder / "another-cache"))
    with pytest.raises(AssertionError):
        check(folder)
