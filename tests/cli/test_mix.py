"""Runs with an n-gram model: commands mix it in unless they are told not to, and say which they did."""

import json
import zipfile

import pytest

from charlm.inference.language_model import load_run
from charlm.runs.run import Run


@pytest.fixture(scope="module")
def mixed(trained, call, tiny):
    """A folder of runs: fox-1, and one more with an n-gram model, fox-mixed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trained)
        ended = call("train", "fox.txt", "--ngram", "5", "--out", "runs/fox-mixed", "--json", *tiny)
    assert ended.code == 0
    return ended


@pytest.fixture
def inside_mixed(mixed, inside):
    return inside


def test_training_says_what_the_ngram_model_gains_and_holds(mixed):
    (report,) = [record for record in map(json.loads, mixed.out.splitlines()) if record.get("event") == "ngram"]
    assert report["context"] == 5 and report["mixed_val_nats_per_char"] < report["val_nats_per_char"]
    assert "N-gram model: context 5" in mixed.err and "contains long passages of the training text" in mixed.err
    assert json.loads(mixed.out.splitlines()[-1])["ngram"] == 5
    assert "--ngram" not in mixed.err


def test_the_last_line_of_a_run_without_one_says_how_to_get_it(inside, call, tiny):
    ended = call("train", "fox.txt", "--out", "runs/other", *tiny)
    assert ended.err.splitlines()[-1].startswith("  charlm train --resume other --ngram 8 ")
    resumed = call("train", "--resume", "other", "--ngram", "3")
    assert resumed.code == 0 and "N-gram model: context 3" in resumed.err


def test_samples_are_mixed_by_default(inside_mixed, call):
    sampled = {
        mix: call("sample", "fox-mixed", "--len", "60", *mix).out for mix in ((), ("--mix",), ("--no-mix",))
    }
    assert sampled[()] == sampled["--mix",] != sampled["--no-mix",]
    (record,) = call("sample", "fox-mixed", "--len", "60", "--json").records
    assert record["mix"] and record["text"] + "\n" == sampled[()]
    (record,) = call("sample", "fox-mixed", "--len", "60", "--json", "--no-mix").records
    assert not record["mix"] and record["text"] + "\n" == sampled["--no-mix",]
    assert not call("sample", "fox-1", "--json").records[0]["mix"]


def test_a_temperature_is_fitted_to_what_is_sampled_from(inside_mixed, call):
    notes = [call("sample", "fox-mixed", "--temperature", "auto", *mix).err for mix in ((), ("--no-mix",))]
    assert notes[0] != notes[1] and all("minimizes the loss" in note for note in notes)


def test_lines_are_scored_by_the_mixture(inside_mixed, call):
    scored = [
        call("score", "--run", "fox-mixed", "--json", *mix, stdin=b"the lazy dog\n").records[0]
        for mix in ((), ("--no-mix",))
    ]
    assert [record["mix"] for record in scored] == [True, False]
    assert scored[0]["nats"] < scored[1]["nats"]
    both = call("score", "--run", "fox-mixed", "--run", "fox-1", "--json", stdin=b"the lazy dog\n").records[0]
    assert [figures["mix"] for figures in both["runs"].values()] == [True, False]


def test_the_next_characters_are_those_of_the_mixture(inside_mixed, call):
    candidates = [
        call("next", "fox-mixed", "the lazy d", "--json", *mix).records[0] for mix in ((), ("--no-mix",))
    ]
    assert [each["mix"] for each in candidates] == [True, False]
    assert candidates[0]["character"] == "o" and candidates[0]["probability"] > candidates[1]["probability"]


@pytest.mark.parametrize(
    "command",
    [("sample", "fox-1"), ("next", "fox-1", "the"), ("score", "--run", "fox-1"), ("eval", "perplexity", "fox-1")],
)
def test_what_cannot_be_mixed_is_refused_in_one_line(inside_mixed, call, command):
    ended = call(*command, "--mix", stdin=b"the\n")
    assert ended.code == 2
    assert ended.complaint == (
        "the run has no n-gram model to mix: add one with charlm train --resume RUN --ngram 8, or leave it out"
    )


def test_a_damaged_ngram_file_is_refused_and_can_be_left_out(inside_mixed, call):
    path = inside_mixed / "runs" / "fox-mixed" / "ngram.safetensors"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-8])
        assert "ngram.safetensors is damaged" in call("sample", "fox-mixed").complaint
        assert call("sample", "fox-mixed", "--no-mix").code == 0
        path.unlink()
        assert call("sample", "fox-mixed", "--json").records[0]["mix"] is False
    finally:
        path.write_bytes(whole)


def test_fine_tuning_counts_the_new_text(inside_mixed, call, tiny):
    (inside_mixed / "cat.txt").write_text("a cat sat on the mat, and that was that.\n" * 60)
    steps = tiny[:2] + tiny[-2:]
    ended = call("train", "cat.txt", "--init-from", "fox-mixed", "--out", "runs/cat", *steps)
    assert "N-gram model: context 5" in ended.err
    own, origin = (Run.open(inside_mixed / "runs" / name) for name in ("cat", "fox-mixed"))
    assert load_run(own, mix=True).next("a cat s")[0][0] == "a"
    assert len(own.load_mixture().trie) != len(origin.load_mixture().trie)


def test_perplexity_has_a_row_of_the_mixture_beside_the_networks(inside_mixed, call):
    both = call("eval", "perplexity", "fox-mixed", "--json").records[0]
    alone = call("eval", "perplexity", "fox-mixed", "--no-mix", "--json").records[0]
    assert both["mix"] and not alone["mix"] and "mixed_nats_per_char" not in alone
    assert both["nats_per_char"] == alone["nats_per_char"] > both["mixed_nats_per_char"]
    assert both["mixed_bits_per_char_low"] < both["mixed_bits_per_char"] < both["mixed_bits_per_char_high"]
    rows = call("eval", "perplexity", "fox-mixed").out.splitlines()
    assert [row.partition("\t")[0] for row in rows if row.startswith("fox")] == ["fox-mixed", "fox-mixed, mixed"]
    assert not call("eval", "perplexity", "fox-1", "--json").records[0]["mix"]


def test_baselines_rank_the_mixture_too(inside_mixed, call):
    found = call("eval", "baselines", "fox-mixed", "--max-order", "3", "--json").records[0]
    assert found["mix"] and found["mixed_nats_per_char"] < found["nats_per_char"]
    assert "fox-mixed, mixed" in call("eval", "baselines", "fox-mixed", "--max-order", "3").out


@pytest.mark.parametrize("measurement", ["surprisal", "calibration"])
def test_other_measurements_mix_where_they_are_asked(inside_mixed, call, measurement):
    loss = "nats_per_char"
    (alone,) = call("eval", measurement, "fox-mixed", "--json").records
    first, second = call("eval", measurement, "fox-mixed", "--mix", "--json").records
    assert alone == first and [alone["mix"], second["mix"]] == [False, True]
    assert second["run"] == "fox-mixed, mixed" and second[loss] < first[loss]


def test_what_looks_into_the_network_does_not_mix(inside_mixed, call):
    ended = call("eval", "gradients", "fox-mixed", "--mix")
    assert ended.code == 2
    assert ended.complaint == "charlm eval gradients measures the network alone: leave out --mix"


def test_comparisons_are_of_the_network_alone(inside_mixed, call):
    compared = call("compare", "fox-mixed", "fox-1", "--json").records
    assert compared[0]["nats_per_char"] == compared[1]["nats_per_char"]


def test_an_export_leaves_the_ngram_model_out_unless_it_is_asked_for(inside_mixed, call, tmp_path, monkeypatch):
    target = str(tmp_path / "fox.zip")
    ended = call("export", "fox-mixed", target)
    assert "The n-gram model is left out (--ngram packs it)." in ended.err
    with zipfile.ZipFile(target) as archive:
        assert not any("ngram" in name for name in archive.namelist())
    ended = call("export", "fox-mixed", target, "--ngram")
    assert "an n-gram model, which contains long passages of the text" in ended.err
    sampled = call("sample", "fox-mixed", "--len", "40").out
    monkeypatch.chdir(tmp_path)
    assert call("import", "fox.zip", "--out", "friend").code == 0
    assert call("sample", "friend", "--len", "40").out == sampled


def test_a_script_says_that_it_leaves_the_ngram_model_out(inside_mixed, call, tmp_path):
    ended = call("export", "fox-mixed", "--to", "numpy", str(tmp_path / "fox.py"))
    assert ended.err.endswith("; the n-gram model is left out\n")
    assert "n-gram" not in call("export", "fox-1", "--to", "numpy", str(tmp_path / "alone.py")).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fox-mixed", "--to", "numpy", "--ngram"), "--to numpy exports the network alone"),
        (("fox-1", "fox.zip", "--ngram"), "fox-1 has no n-gram model"),
    ],
)
def test_an_ngram_model_that_cannot_be_packed_is_told(inside_mixed, call, arguments, message):
    assert message in call("export", *arguments).complaint


def test_info_names_the_ngram_model(inside_mixed, call):
    assert "context 5" in call("info", "fox-mixed").out and "n-gram" not in call("info", "fox-1").out
