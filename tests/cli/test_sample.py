import io
import sys
from unittest import mock

import pytest

from charlm.cli.app import main


@pytest.fixture
def sample(inside, call):
    """A function that samples from the trained run and gives the text."""

    def run(*arguments, stdin=b""):
        ended = call("sample", *arguments, stdin=stdin)
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    return run


def test_len_counts_new_characters_and_the_prompt_is_echoed_before_them(sample):
    text = sample("--len", "7", "--prompt", "the fox")
    assert text.startswith("the fox") and len(text) == 7 + 7 + 1 and text.endswith("\n")
    assert sample("--len", "0", "--prompt", "the fox") == "the fox\n"
    assert len(sample()) == 500 + 1


@pytest.mark.parametrize("settings", [[], ["--prompt", "dog"], ["--temperature", "0.5", "--top-k", "3"]])
def test_a_seed_gives_one_text_streamed_or_not_named_or_newest(sample, settings):
    text = sample("--len", "30", "--seed", "5", *settings)
    for how in (["--no-stream"], ["--stream"], ["runs/fox-1"], ["fox-1", "--num", "1"]):
        assert sample("--len", "30", "--seed", "5", *settings, *how) == text
    assert sample("--len", "30", "--seed", "6", *settings) != text


def test_greedy_is_temperature_zero(sample):
    greedy = sample("--len", "20", "--greedy")
    assert (
        greedy == sample("--len", "20", "--temperature", "0") == sample("--len", "20", "--greedy", "--seed", "9")
    )


def test_a_sample_ends_with_its_stop_string(sample):
    text = sample("--len", "400", "--stop", "a")
    assert text.endswith("a\n") and text.count("a") == 1


@pytest.mark.parametrize(
    ("written", "prompt"),
    [(b"fox", "fox"), (b"fox\n", "fox"), (b"fox\r\n", "fox"), (b"fox\n\n", "fox\n"), (b"\nfox ", "\nfox ")],
)
def test_a_prompt_file_is_a_prompt_without_its_last_newline(sample, tmp_path, written, prompt):
    (tmp_path / "prompt").write_bytes(written)
    expected = sample("--len", "9", "--prompt", prompt)
    assert sample("--len", "9", "--prompt-file", str(tmp_path / "prompt")) == expected
    assert sample("--len", "9", "--prompt-file", "-", stdin=written) == expected


def test_several_samples_are_a_json_object_each(inside, call):
    ended = call("sample", "--len", "12", "--num", "3", "--prompt", "a", "--json")
    assert [(record["run"], record["number"]) for record in ended.records] == [("fox-1", n) for n in range(3)]
    texts = [record["text"] for record in ended.records]
    assert len(set(texts)) == 3 and all(len(text) == 13 and text[0] == "a" for text in texts)
    assert call("sample", "--len", "12", "--num", "3", "--prompt", "a").out == "\n\n".join(texts) + "\n"


@pytest.mark.parametrize("how", ["--stream", "--no-stream", "--json"])
def test_a_prompt_with_an_unknown_character_is_refused_before_anything_is_printed(inside, call, how):
    refused = call("sample", "--prompt", "foé", how)
    assert refused.code == 1
    assert refused.complaint.startswith("the prompt: the model has never seen 'é' (U+00E9), at position 2")


def test_a_character_that_the_output_cannot_hold_is_escaped(tmp_path, monkeypatch, call, tiny):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snow.txt").write_text("☃ " * 500)
    assert call("train", "snow.txt", "--quiet", *tiny).code == 0
    out = io.TextIOWrapper(io.BytesIO(), "ascii")
    argv = ["charlm", "sample", "--len", "0", "--prompt", "☃"]
    with mock.patch.multiple(sys, argv=argv, stdout=out), pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code and out.buffer.getvalue() == b"\\u2603\n"


def test_several_temperatures_have_headings_and_their_own_samples(sample):
    shown = sample("--len", "9", "--prompt", "fox", "--temperature", "0.3,1.0")
    cold, warm = (sample("--len", "9", "--prompt", "fox", "--temperature", each) for each in ("0.3", "1"))
    assert shown == f"--- temperature 0.3 ---\n{cold}\n--- temperature 1 ---\n{warm}"


def test_several_temperatures_stand_in_json(inside, call):
    records = call("sample", "--len", "4", "--temperature", "0.5,2", "--num", "2", "--json").records
    assert [(record["temperature"], record["number"]) for record in records] == [
        (0.5, 0), (0.5, 1), (2.0, 0), (2.0, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("given", ["0.5,2000", "1,", "0.5,cold", "-1,1"])
def test_a_wrong_temperature_among_several_is_refused_before_anything_is_printed(inside, call, given):
    refused = call("sample", "--len", "4", "--temperature", given)
    assert refused.code == 2 and "--temperature is" in refused.complaint


def test_an_unknown_prompt_hints_at_what_the_model_reads(inside, call):
    assert call("sample", "--prompt", "The Fox").complaint.endswith(
        "try 'the fox': the model reads lower case; --skip-unknown leaves out such characters"
    )
    assert "leave it out, or use a model" in call("sample", "--prompt", "foé").complaint


def test_unknown_characters_are_left_out_where_that_is_asked_for(inside, call, sample):
    skipped = call("sample", "--len", "5", "--prompt", "Tthé fox\x1bé", "--skip-unknown")
    assert skipped.code == 0 and skipped.out == sample("--len", "5", "--prompt", "th fox")
    assert skipped.err == "left out of the prompt: 'T' (U+0054), 'é' (U+00E9), '\\x1b' (U+001B)\n"
    assert sample("--len", "5", "--prompt", "fox", "--skip-unknown") == sample("--len", "5", "--prompt", "fox")
