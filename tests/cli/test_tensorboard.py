"""Training with ``--tensorboard``."""

import importlib.util
import json

import pytest


def test_a_resumed_run_goes_on_in_the_same_folder(elsewhere, call, tiny):
    pytest.importorskip("tensorboard", reason="tensorboard is an extra of its own")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert call("train", "fox.txt", "--tensorboard", *tiny).code == 0
    assert call("train", "--resume", "fox-1", "--steps", "30", "--tensorboard", "--quiet").code == 0
    run = elsewhere / "runs" / "fox-1"
    log = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    found = EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    for tag, key, is_validation in (
        ("loss/train", "train_nats_per_char", False),
        ("loss/val", "val_nats_per_char", True),
    ):
        wanted = [record for record in log if ("val_nats_per_char" in record) is is_validation]
        assert [event.step for event in found.Scalars(tag)] == [record["step"] for record in wanted]
        assert [event.value for event in found.Scalars(tag)] == pytest.approx([record[key] for record in wanted])


def test_without_tensorboard_nothing_is_trained(elsewhere, call, tiny, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else find(name))
    ended = call("train", "fox.txt", "--tensorboard", *tiny)
    assert ended.code == 2 and "pip install 'charlm-rnn[tensorboard]'" in ended.complaint
    assert not (elsewhere / "runs").exists()
