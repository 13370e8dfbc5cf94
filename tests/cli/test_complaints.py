"""Bad input of every kind: one line on standard error that names the value and the remedy, and its exit code."""

import shutil

import pytest

TRAIN = ["--steps", "1", "--hidden", "4", "--seq-len", "16"]

USAGE = [
    (
        ["train", "fox.txt", "--steps", "5", "--epochs", "3"],
        "--epochs and --steps are given: a run has one",
    ),
    (["train", "fox.txt", "--steps", "5", "--minutes", "1"], "--steps and --minutes are given"),
    (
        ["train", "fox.txt", "--reset-after", "--cell", "lstm"],
        "--reset-after belongs to --cell gru: leave",
    ),
    (["train", "fox.txt", "--nonlinearity", "relu"], "--nonlinearity belongs to --cell rnn"),
    (["train", "fox.txt", "--resume", "fox-1"], "--resume uses a run's own corpus and folder: leave out"),
    (["train", "--resume", "fox-1", "--out", "x"], "--resume uses a run's own corpus and folder"),
    (["train", "--n-layers", "5"], "no option is called --n-layers; did you mean --layers?"),
    (["train", "--stops", "5"], "no option is called --stops; did you mean --steps?"),
    (["train", "--steps"], "--steps needs a value: --steps INT; see charlm train --help"),
    (["eval", "gradients", "--plot"], "--plot needs a value: --plot FILE; see charlm eval gradients --help"),
    (["info", "fox-1", "--all=3"], "--all takes no value; see charlm info --help"),
    (["info", "fox-1", "two"], "too many arguments: two; see charlm info --help"),
    (["compare"], "RUN is missing; see charlm compare --help"),
    (
        ["train", "--cell", "gur"],
        "--cell is 'gur': it must be one of gru, lnlstm, lstm, mingru, mlstm, rnn; did you mean gru?",
    ),
    (["train", "fox.txt", "--embedding-size", "8"], "--embedding-size needs --encoding embedding: add it, or"),
    (["train", "fox.txt", "-"], "- cannot be read together with other texts: give it alone, or files alone"),
    (["train", "fox.txt", "./fox.txt"], "'./fox.txt' is named twice: leave out one"),
    (["train", "fox.txt", "--bytes", "--lowercase"], "--lowercase changes characters, and --bytes reads none"),
    (["train", "fox.txt", "--bytes", "--min-count", "2"], "--min-count is about characters, and --bytes has all"),
    (["train", "fox.txt", "--glob", ""], "--glob is empty: give a pattern"),
    (["trian"], "no command is called 'trian'; did you mean train?"),
    (["eval", "nonsense"], "no command is called 'nonsense'; see charlm eval --help"),
    (
        ["eval", "perplexity", "--split", "rest"],
        "--split is 'rest': it must be one of train, val, test; did you mean test?",
    ),
    (
        ["bench", "--hidden", "0"],
        "--hidden is '0': it must be greater than or equal to 1; see charlm bench --help",
    ),
    (["plot", "--x", "hours"], "--x is 'hours': it must be one of steps, seconds, epochs; see charlm plot"),
    (["sample", "--stream", "--num", "2"], "--stream needs --num 1, and --num is 2: leave out one of the two"),
    (["sample", "--stream", "--json"], "--stream writes characters, and --json whole samples: leave out one"),
    (["sample", "--greedy", "--temperature", "0.5"], "--greedy is temperature 0: leave out --temperature 0.5"),
    (["sample", "--prompt", "a", "--prompt-file", "fox.txt"], "--prompt and --prompt-file exclude each other"),
    (["sample", "--temperature=-1"], "--temperature is -1.0: it must be at least 0"),
    (["sample", "--temperature", "warm"], "--temperature is 'warm': it must be"),
    (["sample", "--stop", ""], "--stop is empty: give the text to stop at, or leave the flag out"),
]


@pytest.mark.parametrize(("line", "words"), USAGE)
def test_a_mistake_in_the_command_line(inside, call, line, words):
    refused = call(*line)
    assert refused.code == 2 and refused.complaint.startswith(words)


TEXTS = [
    (b"", "'text' is empty: give a text that has characters"),
    (b"ab\0cd" * 99, "'text' is binary, not text: byte 2 (counted from 0) is zero: give a text file"),
    ("café ".encode("latin-1") * 99, "'text' is not in UTF-8: byte 3 (counted from 0) is 0xE9: convert it"),
    ("text ".encode("utf-16") * 99, "'text' is in UTF-16, as the mark at byte 0 says, and must be in UTF-8"),
]


@pytest.mark.parametrize(("content", "words"), TEXTS)
@pytest.mark.parametrize(
    "line", [["train", "text"], ["eval", "perplexity", "text"], ["sample", "--prompt-file", "text"]]
)
def test_a_file_that_is_no_text(inside, tmp_path, call, line, content, words):
    (tmp_path / "text").write_bytes(content)
    path = str(tmp_path / "text")
    refused = call(*(path if part == "text" else part for part in line))
    assert refused.code == 1 and refused.complaint.startswith(words.replace("'text'", repr(path)))


MISSING = [
    (["train"], "fix.txt", "there is no file 'fix.txt': did you mean fox.txt?"),
    (["train"], "python-doc", "there is no file 'python-doc': did you mean python-docs?"),
    (["train"], "nope", "there is no file 'nope': give a text file, or a built-in corpus"),
    (["train", "--val-file"], "./fix.txt", "there is no file './fix.txt': did you mean"),
    (["eval", "perplexity"], "fox-2", "'fox-2' is neither a run nor a file; did you mean fox-1?"),
    (["eval", "perplexity"], "nope", "'nope' is neither a run nor a file: see charlm runs, or give a text file"),
    (["sample", "--prompt-file"], "fix.txt", "there is no file 'fix.txt': did you mean fox.txt?"),
    (["corpus", "get"], "enwik", "no corpus is called 'enwik': there are enwik8, karamazov"),
]


@pytest.mark.parametrize(("line", "name", "words"), MISSING)
def test_a_text_that_is_missing(inside, call, line, name, words):
    missing = call(*line, name)
    assert missing.code == 1 and missing.complaint.startswith(words)


def test_a_folder_that_has_no_text(inside, tmp_path, call):
    (tmp_path / "page.html").touch()
    refused = call("train", str(tmp_path))
    assert refused.code == 1 and refused.complaint.endswith(
        "has no file that --glob '**/*.txt' fits: it has .html (1), so choose, such as --glob '**/*.html'"
    )


def test_a_corpus_shorter_than_one_chunk(elsewhere, call):
    (elsewhere / "short.txt").write_text("abc")
    refused = call("train", "short.txt")
    assert refused.code == 1 and not (elsewhere / "runs").exists()
    assert refused.complaint.startswith(
        "short: the training split has 2 characters, and a window of --seq-len 64 needs 65: give a longer text"
    )


@pytest.mark.parametrize("line", [["sample"], ["info"], ["train", "--resume"], ["train", "--init-from"]])
def test_a_run_that_is_missing(elsewhere, inside, monkeypatch, call, line):
    refused = call(*line, "fix-1")
    assert refused.code == 1 and refused.complaint == (
        "there is no run 'fix-1'; under runs/ there are: fox-1; did you mean fox-1?"
    )
    monkeypatch.chdir(elsewhere)
    refused = call(*line, "fix-1")
    assert refused.code == 1 and refused.complaint.endswith("make one with charlm train")


@pytest.mark.parametrize("line", [["sample"], ["info"], ["eval", "perplexity"], ["plot"]])
def test_no_run_at_all(elsewhere, call, line):
    refused = call(*line)
    assert refused.code == 1 and refused.complaint == "there is no run under runs/: make one with charlm train"


DAMAGES = [
    ("config.json", b"{", ["info", "sample", "eval perplexity", "train --resume"]),
    ("vocab.json", b"[]", ["info", "sample", "eval perplexity", "train --resume"]),
    ("metrics.jsonl", b"nonsense\n", ["info"]),
    ("model.safetensors", b"PK\x03\x04", ["sample", "eval perplexity", "train fox.txt --init-from"]),
    ("last.safetensors", b"\x80\x04.", ["train --resume"]),
]


@pytest.mark.parametrize(
    ("name", "content", "line"), [(name, content, line) for name, content, lines in DAMAGES for line in lines]
)
def test_a_damaged_run(elsewhere, trained, call, name, content, line):
    shutil.copytree(trained / "runs", elsewhere / "runs")
    (elsewhere / "runs" / "fox-1" / name).write_bytes(content)
    refused = call(*line.split(), "fox-1")
    assert refused.code == 1
    assert f"runs/fox-1/{name}" in refused.err and "Traceback" not in refused.err
    assert len(refused.err.splitlines()) == 1


def test_a_folder_that_cannot_be_used(elsewhere, call):
    refused = call("train", "fox.txt", *TRAIN, "--out", "fox.txt")
    assert refused.code == 1 and refused.complaint == "fox.txt cannot be used: File exists; give another folder"


def test_a_message_stays_one_line(elsewhere, call):
    (elsewhere / "two\nlines").mkdir()
    (elsewhere / "two\nlines" / "thesis.txt").touch()
    refused = call("train", "fox.txt", "--out", "two\nlines")
    assert refused.complaint == "two lines is not empty and holds no run: give another folder"


def test_too_little_memory(inside, call, monkeypatch):
    def exhausted(*given):
        raise MemoryError

    monkeypatch.setattr("charlm.inference.conditioned.load_model", exhausted)
    refused = call("sample")
    wanted = "running charlm sample: make --num or the model smaller, or end other programs"
    assert refused.code == 1 and refused.complaint == f"out of memory while {wanted}"


def test_too_little_memory_to_count_in(inside, call, monkeypatch):
    def exhausted(*given):
        raise MemoryError

    monkeypatch.setattr("charlm.models.ngram.counts.count_levels", exhausted)
    refused = call("eval", "baselines")
    wanted = "counting n-grams with 8 characters of context: lower --max-memory"
    assert refused.code == 1 and refused.complaint == f"out of memory while {wanted}"
