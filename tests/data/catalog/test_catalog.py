"""The named corpora: what the package says of each, and what it says of one that is not here."""

import re

import pytest

from charlm.base.errors import CorpusError
from charlm.config import CorpusConfig, DataConfig, TrainingConfig
from charlm.data.catalog import catalog
from charlm.data.catalog.catalog import find_corpus, find_downloaded, read_catalog
from charlm.data.reading.sources import find_source
from charlm.data.split import Split
from charlm.data.split_examples import with_split

SUMS = {"md5": 32, "sha256": 64}
WANTED = {
    "enwik8", "karamazov", "makemore-names", "nottingham-tunes", "penn-treebank-characters", "quan-tang-shi",
    "sigmorphon-g2p-english", "surnames", "text8", "tiny-shakespeare", "war-and-peace",
}  # fmt: skip


def is_hash(value):
    algorithm, _, digits = value.partition(":")
    return len(digits) == SUMS[algorithm] and re.fullmatch("[0-9a-f]+", digits) is not None


@pytest.mark.parametrize("name", read_catalog())
def test_an_entry_says_all_that_it_must(name):
    corpus = find_corpus(name)
    assert corpus.title and corpus.language and corpus.licence and corpus.split
    assert corpus.address.startswith(("https://", "http://"))
    assert "\n" not in repr(corpus)
    if corpus.bring:
        assert not corpus.files and corpus.hash is corpus.bytes is None
        return
    assert corpus.bytes > 0 and corpus.evidence
    if corpus.archive is not None:
        assert corpus.use and corpus.archive.most > corpus.bytes
    assert all(is_hash(f"sha256:{digits}") for digits in corpus.sums.values())
    if corpus.parts:
        assert list(corpus.parts) == ["train", "val", "test"] and len(corpus.files) == 3
        return
    assert corpus.sums or is_hash(corpus.hash)
    Split.of(DataConfig(split=corpus.split)).lengths(corpus.bytes)
    for file in corpus.files:
        assert file.address.startswith(("https://", "http://")) and is_hash(file.hash)


@pytest.mark.parametrize("name", [name for name in read_catalog() if len(find_corpus(name).files) == 1])
def test_a_text_that_is_its_file_has_its_sum(name):
    corpus = find_corpus(name)
    assert corpus.files[0].member or corpus.files[0].hash == corpus.hash


def test_all_that_were_promised_are_there():
    assert set(read_catalog()) == WANTED
    # Its licence forbids to pass it on.
    assert "LDC" in find_corpus("penn-treebank-characters").licence
    assert find_corpus("penn-treebank-characters").files == ()


def test_the_sums_of_wikipedia_are_those_that_their_page_publishes():
    assert find_corpus("enwik8").hash == "md5:a1fa5ffddb56f4953e226637dabbb36a"
    assert find_corpus("text8").hash == "md5:3bea1919949baf155f99411df5fada7e"


def test_an_unknown_name_comes_with_those_that_there_are():
    with pytest.raises(CorpusError, match=r"no corpus is called 'shakespeare': there are enwik8, karamazov"):
        find_corpus("shakespeare")


def test_a_corpus_that_is_not_here_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path))
    with pytest.raises(
        CorpusError, match=r"^tiny-shakespeare is not downloaded yet: charlm corpus get tiny-shakespeare$"
    ):
        find_downloaded("tiny-shakespeare")
    with pytest.raises(CorpusError, match=r"^penn-treebank-characters is not downloaded by charlm: its licence"):
        find_downloaded("penn-treebank-characters")


def test_a_text_of_another_size_is_not_here(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path))
    corpus = find_corpus("makemore-names")
    corpus.path.parent.mkdir()
    corpus.path.write_bytes(bytes(corpus.bytes - 1))
    assert not corpus.is_downloaded
    corpus.path.write_bytes(bytes(corpus.bytes))
    assert find_downloaded("makemore-names").path == corpus.path == tmp_path / "corpora" / "makemore-names.txt"


def test_a_folder_of_classes_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path))
    corpus = find_corpus("surnames")
    corpus.path.mkdir(parents=True)
    for name in corpus.archive.files:
        (corpus.path / name).touch()
    assert not corpus.is_downloaded and corpus.bytes_here == 0
    (corpus.path / "Greek.txt").write_bytes(bytes(corpus.bytes))
    source = find_source(["surnames"], CorpusConfig().glob)
    assert source.name == "surnames" and len(source.files) == len(corpus.archive.files) == 18


def test_a_corpus_in_splits_is_its_training_file_with_the_others_as_its_split(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE_DIR", str(tmp_path))
    corpus, sizes = find_corpus("sigmorphon-g2p-english"), {"train": 1000, "val": 600}
    corpus.path.mkdir(parents=True)
    for part, path in corpus.parts.items():
        path.write_bytes(bytes(sizes.get(part, corpus.bytes - 1600)))
    source, folder = find_source([corpus.name], ""), tmp_path / "corpora" / corpus.name
    assert (source.name, source.paths) == (corpus.name, (str(folder / "train.tsv"),))
    own = {"val_file": str(folder / "val.tsv"), "test_file": str(folder / "test.tsv")}
    assert source.own_split == own
    unsplit, split = TrainingConfig(), TrainingConfig.from_settings(split="90/10")
    assert with_split(unsplit, own).batching.test_file == own["test_file"] and with_split(split, own) is split


PROJECT = '[project]\nname = "{}"\n'


@pytest.mark.parametrize(
    "project", [None, PROJECT.format("charlm-rnn"), PROJECT.format("other"), "", "[[", "project=1"]
)
def test_another_packages_folder_of_the_same_name_is_not_read(tmp_path, monkeypatch, project):
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "theirs.toml").write_text("= no corpus of charlm's")
    if project is not None:
        (tmp_path / "pyproject.toml").write_text(project)
    monkeypatch.setattr(catalog, "_PACKAGE", tmp_path / "charlm")
    if project == PROJECT.format("charlm-rnn"):
        assert catalog._catalog_folder(tmp_path / "charlm") == tmp_path / "corpora"
        return
    with pytest.raises(
        CorpusError, match=r"^the named corpora are not there \(.*corpora\): install charlm again$"
    ):
        read_catalog.__wrapped__()
