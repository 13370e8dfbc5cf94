"""Tasks in Python: what train and load give."""

import math

import numpy as np

import charlm

WORDS = ("cat", "dog", "eel", "hen", "ape")
TINY = {"hidden": 8, "batch_size": 4, "lr": 0.05, "dropout": 0.0, "val_fraction": 0.0, "workers": 1}


def test_a_classifier_classifies():
    lines = "".join(f"{word}\tanimal\n{word[::-1]}\tlamina\n" for word in WORDS)
    model = charlm.train(lines, task="classify", labels="tab", steps=40, **TINY)
    found = model.classify(["cat", "tac"])
    assert [each.label for each in found] == ["animal", "lamina"]
    assert math.isclose(sum(found[0].probabilities.values()), 1, rel_tol=1e-6)
    assert model.classify([]) == []


def test_a_regression_gives_numbers():
    lines = "".join(f"{'a' * n}\t{n}\n" for n in range(1, 12))
    model = charlm.train(lines, task="regress", steps=60, **TINY)
    found = model.regress(["aa", "aaaaaaaa"])
    assert isinstance(found, np.ndarray) and found[0] < found[1]


def test_a_run_with_labels_samples_and_classifies(inside):
    assert charlm.load("words-1").classify(["tatie"])[0].label == "north"
