"""Labelled documents: split, grouped, and read after their label's start symbol, which is never a target."""

import numpy as np
import pytest

from charlm.config import TrainingConfig
from charlm.data.labelled_text import LabelledText, read_labelled_corpus
from charlm.data.reading.sources import find_source
from charlm.data.windows import BATCHERS


@pytest.fixture
def corpus(tmp_path):
    """A function that reads two files of lines, one of which has repeats."""
    folder = tmp_path / "names"
    folder.mkdir()
    (folder / "a.txt").write_text("".join(f"a{n}\n" for n in range(30)) * 3)
    (folder / "b.txt").write_text("".join(f"b{n} \n" for n in range(20)))

    def read(partition="sequential"):
        config = TrainingConfig.from_settings(
            lines=True, labels="file", split="80/10/10", seq_len=9, batch_size=4, partition=partition
        )
        return read_labelled_corpus(find_source([str(folder)], "**/*.txt"), config), config

    return read


def documents(part):
    return list(zip(part.text.splitlines(), part.label_D.tolist(), strict=True))


def test_repeats_stay_in_the_training_split_and_no_text_is_in_two(corpus):
    read, _ = corpus()
    train, validation, test = map(documents, (read.train, read.validation, read.test))
    assert len(train) == 24 * 3 + 16 and len(set(train)) == 40
    assert len(validation) == len(set(validation)) == 5 and len(test) == 5
    assert not {text for text, _ in train} & {text for text, _ in validation + test}
    assert all(text[0] == "ab"[label] and text == text.strip() for text, label in train + validation + test)
    assert read.vocabulary.labels == ("a", "b") and read.vocabulary.label_counts == (24 * 3, 16)


def test_the_documents_of_a_label_are_those_and_no_others(corpus):
    train = corpus()[0].train
    parts = dict(train.by_label())
    assert sum(len(part) - 1 for part in parts.values()) == len(train) - 1
    for label, part in parts.items():
        assert sorted(part.text.splitlines()) == sorted(text for text, own in documents(train) if own == label)


def test_a_beginning_has_whole_documents_with_their_labels(corpus):
    train = corpus()[0].train
    cut = train[:20]
    assert isinstance(cut, LabelledText) and documents(cut) == documents(train)[: len(cut.label_D)]
    assert 10 < len(cut) <= 20


@pytest.mark.parametrize("partition", BATCHERS)
def test_each_document_is_read_after_the_start_symbol_of_its_own_label(corpus, partition):
    read, config = corpus(partition)
    symbols, end = len(read.vocabulary), read.vocabulary.end
    letters, seen = read.vocabulary.symbols, 0
    for batch in read.batches(config.batching).epoch(np.random.default_rng(0)):
        x_TB, y_TB = batch["x_TB"].astype(int), batch["y_TB"].astype(int)
        mask_TB = batch.get("target_mask_TB")
        assert y_TB.max() < symbols  # a start symbol is never drawn as a target
        assert not (x_TB[mask_TB] if mask_TB is not None else x_TB).tolist().count(end)
        for t, b in zip(*np.nonzero(x_TB >= symbols), strict=True):
            assert letters[y_TB[t, b]] == "ab"[x_TB[t, b] - symbols]
            assert not batch["carry_TB"][t, b]
            seen += 1
    assert abs(seen - len(read.train.label_D)) <= 1
