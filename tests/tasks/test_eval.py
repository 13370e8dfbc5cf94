"""charlm eval accuracy and charlm eval regression as a user has them."""

import numpy as np


def test_eval_accuracy_measures_a_run_beside_its_baselines(inside, call):
    (record,) = call("eval", "accuracy", "--split", "test", "--json").records
    assert (record["run"], record["text"], record["examples"]) == ("words-1", "words, test", 12)
    assert record["accuracy"] == record["macro_f1"] == 1.0 and record["accuracy_low"] <= 1
    assert [each["model"] for each in record["baselines"]] == ["Bayes' rule, n-grams", "most frequent label"]
    assert record["baselines"][1]["accuracy"] == 0.5
    assert record["confusion"] == [[6, 0], [0, 6], [0, 0]]


def test_eval_accuracy_of_a_file_says_what_training_has_seen(inside, call):
    known = (inside / "words" / "north.txt").read_text().splitlines()
    (inside / "new.tsv").write_text("".join(f"{text}\tnorth\n" for text in [*known, "tattt"]) + "ous\twest\n")
    (record,) = call("eval", "accuracy", "new.tsv", "--json").records
    said = "\n".join(record["notes"])
    assert "labels that training never saw count as wrong: 1 example" in said
    assert "also in the training split: 48 texts; on the 14 others" in said
    assert record["accuracy"] < 1


def test_the_matrix_is_drawn_in_color_and_into_a_picture(inside, on_terminal):
    shown = on_terminal("eval", "accuracy", "words-1", "--plot", "matrix.svg", folder=inside).decode()
    assert "Confusion of words-1 on the validation split of words" in shown
    assert "north" in shown and "\x1b[" in shown and "macro F1" in shown
    assert "true label" in (inside / "matrix.svg").read_text()


def test_eval_regression_has_its_baselines_and_a_picture(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    lines = dict.fromkeys("".join(rng.choice(list("abc"), rng.integers(1, 9))) for _ in range(150))
    (tmp_path / "n.tsv").write_text("".join(f"{line}\t{line.count('a')}\n" for line in lines))
    tiny = ("--hidden", "8", "--batch-size", "16", "--lr", "0.03", "--workers", "1", "--quiet")
    assert call("train", "n.tsv", "--task", "regress", "--steps", "40", *tiny).code == 0
    (record,) = call("eval", "regression", "--json", "--plot", "n.png").records
    assert {"rmse", "mae", "r2"} < record.keys() and (tmp_path / "n.png").stat().st_size
    assert [each["model"] for each in record["baselines"]] == ["linear, n-gram counts", "mean"]
    assert record["baselines"][0]["r2"] > 0.6 > 0.1 > abs(record["baselines"][1]["r2"])
