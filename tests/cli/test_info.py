import json
import shutil


def test_info_tells_settings_sizes_and_course(inside, call):
    shown = call("info").out
    for fact in ("29 symbols", "fox.txt", "layers.0.W_hh", "16 x 64", "val_nats_per_char"):
        assert fact in shown
    (record,) = call("info", "fox-1", "--json").records
    assert record["training"]["model"]["hidden"] == 16
    assert [each["step"] for each in (record["metrics"][0], record["metrics"][-1])] == [0, 20]
    assert record["symbols"] == 29 and record["parameters"]["readout.b_y"] == [29]


def test_runs_are_listed_the_newest_last(elsewhere, call, tiny):
    for name in ("b", "a"):
        assert call("train", "fox.txt", "--quiet", "--out", f"runs/{name}", *tiny).code == 0
    records = call("runs", "--json").records
    assert [record["run"] for record in records] == ["b", "a"]
    assert records[0]["steps"] == 20 and records[0]["best_val"] > 0
    shown = call("runs").out
    assert shown.index("\nb\t") < shown.index("\na\t")


def test_no_runs_is_no_failure(elsewhere, call):
    for line in (["runs"], ["runs", "--json"]):
        ended = call(*line)
        assert ended.code == 0 and ended.complaint.startswith("there is no run under runs/")


def test_a_damaged_run_is_told_and_does_not_hide_the_others(inside, tmp_path, monkeypatch, call):
    shutil.copytree(inside / "runs", tmp_path / "runs")
    shutil.copytree(inside / "runs/fox-1", tmp_path / "runs/bad")
    (tmp_path / "runs/bad/config.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    ended = call("runs", "--json")
    assert ended.code == 1 and [json.loads(line)["run"] for line in ended.out.splitlines()] == ["fox-1"]
    assert ended.err.startswith("charlm: runs/bad/config.json is damaged") and ended.err.count("\n") == 1
