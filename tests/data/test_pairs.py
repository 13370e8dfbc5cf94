"""Pairs of a source and a target: read, split, and laid out for an encoder and a decoder."""

import numpy as np
import pytest

from charlm.base.errors import CheckpointError, CorpusError
from charlm.config import CorpusConfig, TrainingConfig
from charlm.data.pairs import PairExamples, read_pairs, read_pairs_part
from charlm.data.reading.sources import find_source
from charlm.data.vocabulary import Vocabulary

LINES = "cat\tK a t\n tack \tt  a K\r\nat\ta t\ncat\tK a t\ncat\tK O t\n"


def read(folder, lines, units="words", **settings) -> PairExamples:
    (folder / "pairs.tsv").write_text(lines, encoding="utf-8")
    config = TrainingConfig.from_settings(**{"val_fraction": 0.0, **settings})
    return read_pairs(find_source([str(folder / "pairs.tsv")], ""), config, units)


def test_words_are_symbols_repeats_count_once_and_white_space_goes(tmp_path):
    found = read(tmp_path, LINES)
    assert found.vocabulary.target == ("K", "O", "a", "t") and found.vocabulary.symbols == ("a", "c", "k", "t")
    assert list(found.train.texts) == ["cat", "tack", "at", "cat"]
    assert found.train.targets.ids.tolist() == [0, 2, 3, 3, 2, 0, 2, 3, 0, 1, 3]
    said = "; ".join(found.notes)
    assert "1 repeated example left out" in said and "with several targets: no network of the texts alone" in said
    assert read(tmp_path, "ab\tAB\n", "characters").vocabulary.target == ("A", "B")


def test_a_batch_has_sources_that_end_together_and_targets_that_start_together(tmp_path):
    part, end = read(tmp_path, LINES).train, 4
    (batch,) = part.batches(6, end).epoch(np.random.default_rng(0))
    columns = {["", "", "at", "cat", "tack"][length]: column for column, length in enumerate(batch["length_B"])}
    tack, at = columns["tack"], columns["at"]
    assert batch["x_SB"].shape == (4, 6) and batch["length_B"].tolist()[4:] == [0, 0]
    assert batch["x_SB"][:, at].tolist() == [0, 0, 0, 3] and batch["length_B"][at] == 2
    assert batch["y_TB"][:, tack].tolist() == [3, 2, 0, end] and batch["y_TB"][:3, at].tolist() == [2, 3, end]
    assert batch["target_mask_TB"].sum(axis=0)[[tack, at, 4, 5]].tolist() == [4, 3, 0, 0]
    assert batch.num_targets == batch["target_mask_TB"].sum() == 4 + 4 + 4 + 3
    assert part.batches(2, end).targets_per_epoch == 15 and part.batches(2, end).longest == 4


def test_batches_are_sorted_by_both_lengths(tmp_path):
    rng = np.random.default_rng(0)
    lines = "".join(f"{'a' * rng.integers(1, 4)}{n}\t{'b' * rng.integers(1, 9)}\n" for n in range(400))
    part = read(tmp_path, lines, "characters").train
    steps = sum(batch["y_TB"].size for batch in part.batches(8, 1).epoch(rng))
    assert steps < 1.2 * (part.targets.lengths_D.sum() + len(part))


def test_all_pairs_of_a_source_are_in_one_split(tmp_path):
    lines = "".join(f"{n:03d}\t{each}\n" for n in range(40) for each in "ab")
    found = read(tmp_path, lines, "characters", val_fraction=None, split="50/25/25")
    sources = [set(part.texts) for part in (found.train, found.validation, found.test)]
    assert [len(part) for part in (found.train, found.validation, found.test)] == [40, 20, 20]
    assert not sources[0] & sources[1] and not sources[0] & sources[2] and not sources[1] & sources[2]


def test_target_symbols_that_training_never_saw_are_said(tmp_path):
    (tmp_path / "val.tsv").write_text("at\ta Z\ncat\tK a t\n")
    found = read(tmp_path, LINES, val_fraction=None, val_file=str(tmp_path / "val.tsv"))
    assert found.validation.targets.ids.tolist()[:2] == [2, 5]
    assert found.validation.is_known_D(5).tolist() == [False, True]
    said = "; ".join(found.notes)
    assert (
        "the validation split has target symbols that training never saw, Z, which make 1 example wrong" in said
    )
    assert "val: also in the training split: 2 texts" in said


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a\tb\nc\n", "line 2 has no tab"),
        ("a\tb\nc\td\te\n", "line 2 has 2 tabs"),
        ("a\tb\n \td\n", "line 2 has no source"),
        ("a\tb\nc\t \n", "line 2 has no target"),
    ],
)
def test_a_line_that_is_no_pair_is_refused_with_its_place(tmp_path, lines, message):
    (tmp_path / "pairs.tsv").write_text(lines)
    vocabulary = read(tmp_path, "a\tb\n").vocabulary
    (tmp_path / "bad.tsv").write_text(lines)
    with pytest.raises(CorpusError, match=message) as refused:
        read_pairs_part(find_source([str(tmp_path / "bad.tsv")], ""), CorpusConfig(), vocabulary, "words")
    assert refused.value.hint == "write the source, one tab, and its target"


@pytest.mark.parametrize("target", [[], "ab", ["b", "a"], ["a", "a"], ["a", ""], ["a", 1], ["\ud800"]])
def test_a_stored_vocabulary_of_targets_is_checked(tmp_path, target):
    vocabulary = read(tmp_path, LINES).vocabulary
    assert Vocabulary.from_json(vocabulary.to_json(), "vocab.json") == vocabulary
    with pytest.raises(CheckpointError, match="holds no valid vocabulary"):
        Vocabulary.from_json(vocabulary.to_json() | {"target": target}, "vocab.json")
