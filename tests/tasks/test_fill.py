"""Filling blanks as a user has it: trained, resumed, asked, measured, and refused where it cannot serve."""

import shutil
from contextlib import chdir

import numpy as np
import pytest

import charlm
from charlm.data.encoded import EncodedText
from charlm.inference.two_sided import TwoSidedModel
from charlm.runs.run import Run
from charlm.tasks.text_filler import TextFiller
from tests.cli.conftest import call_main

SETTINGS = ("--task", "fill", "--hidden", "16", "--seq-len", "16", "--batch-size", "8", "--lr", "0.03")
COMMON = ("--dropout", "0", "--workers", "1", "--quiet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two runs: fill-1 and plain, of a text of a few words in turn."""
    made = tmp_path_factory.mktemp("filled")
    rng = np.random.default_rng(0)
    text = "".join(f"{word} " if rng.random() < 0.9 else f"{word}\n" for word in ["abcd", "efgh", "ijkl"] * 250)
    (made / "fill.txt").write_text(text)
    with chdir(made):
        assert call_main("train", "fill.txt", *SETTINGS, "--steps", "120", *COMMON).code == 0
        plain = ("--hidden", "8", "--steps", "20", "--out", "runs/plain", *COMMON)
        assert call_main("train", "fill.txt", *plain).code == 0
    return made


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def test_lines_are_filled_and_the_newest_run_that_fills_is_named(here, call):
    ended = call("fill", stdin=b"ab_d ef_h\n_jkl\r\n")
    assert ended.out == "abcd efgh\nijkl\n" and ended.newest == "fill-1"


def test_candidates_and_json_have_places_characters_and_probabilities(here, call):
    ended = call("fill", "--text", "a?cd?efgh", "--blank", "?", "--top", "2")
    text, *rows = ended.out.splitlines()
    assert text == "abcd efgh" and [row.split("\t")[:2] for row in rows] == [["1", "b"], ["4", "space"]]
    (record,) = call("fill", "fill-1", "--text", "a_c\N{SNOWMAN}", "--json").records
    (blank,) = record["blanks"]
    assert record["text"] == "abc\N{SNOWMAN}" and record["unknown"] == 1
    assert (blank["position"], blank["character"]) == (1, "b") and 0.5 < blank["probability"] <= 1


def test_the_surest_is_filled_first_and_read_by_the_others(here):
    filler = TextFiller.of(Run.open(here / "runs" / "fill-1"))
    (found,) = filler.fill_texts(["a_cd_ef"])
    alone = [filler.fill_texts([text])[0].blanks[0] for text in ("abcd_ef", "a_cd ef")]
    # Of each blank what is said while the other is one too: the surest of them must have been filled so.
    ids = filler.model.vocabulary.encode_symbols("a_cd_ef")
    (log_probs_NV,) = filler.model.line_log_probs([ids])
    shares = np.exp(log_probs_NV[[1, 4]]).max(axis=1)
    first, second = (0, 1) if shares[0] > shares[1] else (1, 0)
    np.testing.assert_allclose(found.blanks[first].probability, shares[first], rtol=1e-2)
    np.testing.assert_allclose(found.blanks[second].probability, alone[1 - second].probability, rtol=1e-5)
    assert abs(found.blanks[second].probability - shares[second]) > 1e-6


def test_a_text_is_filled_the_same_alone_and_among_others(here):
    filler = TextFiller.of(Run.open(here / "runs" / "fill-1"))
    texts = ["_", "abcd ef_h _jkl abcd", "a_c_ "]
    among, alone = filler.fill_texts(texts), [filler.fill_texts([text])[0] for text in texts]
    assert [each.text for each in among] == [each.text for each in alone]
    shares = [[blank.probability for each in found for blank in each.blanks] for found in (among, alone)]
    np.testing.assert_allclose(*shares, rtol=1e-5)


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(here, call):
    for name, steps in (("whole", "20"), ("halves", "9")):
        schedule = ("--schedule", "constant", "--partition", "varied", "--out", f"runs/{name}")
        assert call("train", "fill.txt", *SETTINGS, "--steps", steps, *schedule, *COMMON).code == 0
    assert call("train", "--resume", "halves", "--steps", "20", "--quiet").code == 0
    runs = [Run.open(here / "runs" / name) for name in ("whole", "halves")]
    np.testing.assert_array_equal(*(run.load_model("last").params.flat for run in runs))
    last = runs[0].read_metrics()[-1]
    assert 0 < last["val_accuracy"] < 1
    part = EncodedText.of_text((here / "fill.txt").read_text()[-375:], runs[0].config.corpus)
    assert TwoSidedModel.of(runs[0]).cloze(part).nats == pytest.approx(last["val_nats_per_char"], rel=0.1)
    for run in runs:
        shutil.rmtree(run.folder)


def test_eval_cloze_counts_what_was_missing_beside_one_side_and_ngrams(here, call):
    records = call("eval", "cloze", "fill-1", "plain", "--json").records
    assert [each["run"] for each in records] == ["fill-1", "n-grams, both sides", "plain"]
    filled, ngrams, plain = records
    assert filled["nats_per_char"] < plain["nats_per_char"] and filled["accuracy"] > plain["accuracy"]
    assert filled["characters"] == plain["characters"] == ngrams["characters"]
    rates = {each["missing"]: each["characters"] / filled["characters"] for each in filled["blanks"]}
    assert rates == {"0.15": pytest.approx(0.15, abs=0.05), "0.3": pytest.approx(0.3, abs=0.06)}
    (one,) = call("eval", "cloze", "--blanks", "0.5", "--json").records[0]["blanks"]
    assert one["missing"] == "0.5"


def test_documents_end_both_sides(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("anna\notto\nhannah\nbob\n" * 30)
    settings = ("--lines", "--steps", "60", "--out", "runs/names", *SETTINGS, *COMMON)
    assert call("train", "names.txt", *settings).code == 0
    assert call("fill", "names", stdin=b"ott_\n_nna\n").out == "otto\nanna\n"
    records = call("eval", "cloze", "names", "names.txt", "--json").records
    assert records[0]["characters"] == 30 * 17


def test_python_fills():
    model = charlm.train("abcd efgh " * 100, task="fill", steps=60, hidden=12, seq_len=16, batch_size=8, lr=0.03,
                         workers=1)  # fmt: skip
    assert model.fill("ab_d e_gh") == "abcd efgh" and model.fill("ab?d", blank="?") == "abcd"


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["fill", "--text", "abcd"], b"", "no blank '_' in 'abcd': put one, or name another by --blank"),
        (["fill"], b"abcd\n", "line 1 of standard input has no blank '_': see --blank"),
        (["fill", "--text", "a__", "--blank", "__"], b"", "the blank is '__': it must be one character"),
        (["fill", "plain", "--text", "a_"], b"", "plain is of --task predict: charlm sample plain"),
        (["sample", "fill-1"], b"", "fill-1 is of --task fill: charlm fill fill-1"),
        (["eval", "cloze", "plain"], b"", "eval cloze needs a run of --task fill, beside which others stand"),
        (["train", "fill.txt", "--task", "fill", "--labels", "tab"], b"", "--labels belongs to other tasks"),
        (
            ["train", "fill.txt", "--task", "fill", "--tied", "--encoding", "embedding", "--hidden", "64"],
            b"",
            "--tied belongs to --task predict",
        ),
    ],
)
def test_what_cannot_be_is_refused(here, call, arguments, stdin, message):
    ended = call(*arguments, stdin=stdin)
    assert ended.code in (1, 2) and ended.complaint.startswith(message)


def test_lines_before_one_without_a_blank_are_answered(here, call):
    ended = call("fill", stdin=b"ab_d\nabcd\nef_h\n")
    assert ended.out == "abcd\n" and "line 2 of standard input" in ended.err
