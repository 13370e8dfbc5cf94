import json

from charlm.data.vocabulary import unknown_nats

KEYS = ["nats_per_char", "bits_per_char", "bits_per_byte", "perplexity", "characters", "bytes", "unknown"]


def perplexity(call, *arguments, stdin=b""):
    ended = call("eval", "perplexity", "--json", *arguments, stdin=stdin)
    assert (ended.code, ended.err) == (0, "")
    return ended.records


def test_with_no_target_the_newest_runs_validation_part_is_measured(inside, call):
    (record,) = perplexity(call)
    assert set(KEYS) <= set(record)
    assert record["run"] == "fox-1" and record["characters"] == 269 and record["unknown"] == 0
    assert perplexity(call, "fox-1", "--split", "val") == perplexity(call, "runs/fox-1") == [record]
    (train,) = perplexity(call, "--split", "train")
    assert train["characters"] == 2429


def test_a_text_is_measured_from_a_file_and_from_standard_input(inside, tmp_path, call):
    text = "the lazy fox é"
    (tmp_path / "other.txt").write_text(text)
    (record,) = perplexity(call, str(tmp_path / "other.txt"))
    assert (record["characters"], record["bytes"], record["unknown"]) == (13, 14, 1)
    (piped,) = perplexity(call, "fox-1", "-", stdin=text.encode())
    assert piped | {"text": "other", "notes": record["notes"]} == record
    known, _ = json.loads((inside / "runs/fox-1/config.json").read_text())["corpus"], None
    floor = unknown_nats(known["training_characters"], 29) / 13
    assert record["nats_per_char"] > floor


def test_json_and_table_tell_the_same_notes(inside, call):
    told = call("eval", "perplexity", "fox-1", "fox.txt", "-", "--explain", stdin=b"a fox \xc3\xa9").err
    notes = [line.removeprefix("note: ") for line in told.splitlines()]
    assert any("fox-1 never saw" in note for note in notes)
    for record in perplexity(call, "fox-1", "fox.txt", "-", stdin=b"a fox \xc3\xa9"):
        assert record["notes"] == notes


def test_the_table_shows_the_model_beside_the_markov_baseline(inside, call):
    shown = call("eval", "perplexity").out
    assert "fox-1" in shown and "bigram baseline" in shown
    assert "\x1b" not in shown


def test_a_name_that_is_a_file_and_a_run_is_refused(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", "--out", "runs/fox.txt", *tiny).code == 0
    for line in (["eval", "perplexity", "fox.txt"], ["sample", "fox.txt"], ["info", "fox.txt"]):
        refused = call(*line)
        assert refused.code == 2
        assert refused.complaint == "fox.txt may be ./fox.txt or runs/fox.txt: give one of these"
    assert call("eval", "perplexity", "runs/fox.txt", "./fox.txt", "--json").records[0]["characters"] == 2699


def test_a_corpus_that_has_changed_or_moved_is_told(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", *tiny).code == 0
    with (elsewhere / "fox.txt").open("a") as file:
        file.write("more")
    changed = call("eval", "perplexity")
    assert changed.code == 1 and "is not what the run read" in changed.complaint
    (elsewhere / "fox.txt").unlink()
    moved = call("eval", "perplexity")
    assert moved.code == 1 and "there is no file" in moved.complaint and "was trained on" in moved.complaint


def test_a_run_of_bytes_is_measured_in_bytes(elsewhere, call, tiny):
    assert call("train", "fox.txt", "--quiet", "--bytes", *tiny).code == 0
    shown = call("eval", "perplexity", "--explain")
    assert (
        "characters" not in shown.out and "/char" not in shown.out and "loss\tbits/byte\t95% CI low" in shown.out
    )
    assert "with blocks of" in shown.err and "bits/byte by a block bootstrap" in shown.err


def test_a_split_is_for_a_runs_own_corpus(inside, call):
    refused = call("eval", "perplexity", "fox.txt", "--split", "val")
    assert refused.code == 2 and refused.complaint.startswith("--split val is a split of a run's own corpus")


def test_every_measurement_has_a_command_with_a_help(call):
    listed = call("eval", "--help").out
    assert "perplexity" in listed
    ended = call("eval", "perplexity", "--help")
    assert ended.code == 0 and "Usage: charlm eval perplexity [OPTIONS] [TARGET]..." in ended.out
