"""Examples: distinct, each text in one split, every label in every split, and the same at every reading."""

from collections import Counter

import numpy as np
import pytest

from charlm.base.errors import CorpusError
from charlm.config import TrainingConfig
from charlm.data.examples import read_examples
from charlm.data.label_split import split_by_label
from charlm.data.reading.sources import find_source
from charlm.data.split import Split


@pytest.fixture
def names(tmp_path):
    """Three files of names: one large, one of ten, one of two; some names are of two labels."""
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "Large.txt").write_text("".join(f"large{n}\n" for n in range(200)) + "both1\nboth2\nlarge7 \n")
    (folder / "Small.txt").write_text("".join(f"small{n}\n" for n in range(8)) + "both1\nboth2\n")
    (folder / "Tiny.txt").write_text("tiny1\ntiny2\n")
    return folder


def read(path, mode=None, **settings):
    config = TrainingConfig.from_settings(**{"task": "classify", "split": "80/10/10", **settings})
    return read_examples(find_source([str(path)], "**/*.txt"), config, mode)


def test_the_same_text_with_the_same_label_counts_once_and_what_is_left_out_is_said(names):
    examples = read(names)
    assert len(examples) == 202 + 10 + 2
    said = "\n".join(examples.notes)
    assert "1 repeated example left out, 214 kept" in said
    assert "2 texts with several labels: no classifier of the texts alone gets more than 99.1% right" in said
    assert "white space taken off the ends of 1 text" in said
    assert "too few texts to hold any out: all go to training: Tiny" in said


def test_no_text_is_in_two_splits_and_no_label_is_missing_from_one(names):
    for seed in range(5):
        examples = read(names, seed=seed)
        parts = (examples.train, examples.validation, examples.test)
        texts = [set(part.texts) for part in parts]
        assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])
        labels = [Counter(part.targets_D.tolist()) for part in parts]
        assert labels[0][2] == 2 and all({0, 1} <= set(each) for each in labels)
        assert abs(labels[1][0] - 20) <= 2 and labels[1][1] >= 1


def test_another_seed_divides_otherwise_and_the_same_one_alike(names):
    first, again, other = read(names, seed=1), read(names, seed=1), read(names, seed=2)
    assert list(first.test.texts) == list(again.test.texts) != list(other.test.texts)


def test_a_text_of_two_labels_goes_with_the_rarest():
    split = Split.of(TrainingConfig.from_settings(split="1/1/1").batching)
    notes = []
    splits = split_by_label(
        np.array([0, 0, *range(1, 51)]), np.array([1, 0] + [0] * 50), ["common", "rare"], split, 1, notes
    )
    assert splits[0] == splits[1] == 0 and "rare" in notes[0]


def test_one_label_is_refused(tmp_path):
    (tmp_path / "a.tsv").write_text("x\tone\ny\tone\n")
    with pytest.raises(CorpusError, match="a has one label only: give examples of at least two"):
        read(tmp_path / "a.tsv")


def test_what_only_a_held_out_file_has_is_unknown_and_what_both_have_is_said(tmp_path):
    (tmp_path / "train.tsv").write_text("ab\tx\nba\ty\naa\tx\n")
    (tmp_path / "val.tsv").write_text("ab\tx\nq\ty\naab\tnew\n")
    examples = read(tmp_path / "train.tsv", split=None, val_file=str(tmp_path / "val.tsv"))
    assert len(examples.train) == 3 and examples.vocabulary.labels == ("x", "y")
    assert examples.validation.targets_D.tolist() == [0, 1, 2]
    assert examples.validation.sequences.ids.tolist() == [0, 1, 2, 0, 0, 1]
    said = "\n".join(examples.notes)
    assert "val: also in the training split: 1 text" in said
    assert "labels that training never saw count as wrong: 1 example" in said


def test_numbers_are_standardized_by_the_training_split(tmp_path):
    (tmp_path / "n.tsv").write_text("".join(f"{'a' * n}\t{100 * n}\n" for n in range(1, 21)))
    examples = read(tmp_path / "n.tsv", mode="number", task="regress")
    assert abs(examples.train.targets_D.mean()) < 1e-12 and abs(examples.train.targets_D.std() - 1) < 1e-12
    mean, deviation = examples.vocabulary.scale
    lengths = np.array([len(text) for text in examples.test.texts])
    np.testing.assert_allclose(examples.test.targets_D * deviation + mean, 100 * lengths)
    (tmp_path / "same.tsv").write_text("a\t1\nb\t1\n")
    with pytest.raises(CorpusError, match="has one number only"):
        read(tmp_path / "same.tsv", mode="number", task="regress")
