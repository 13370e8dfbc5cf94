"""Sweeps: which runs they have, which they find again, and which they refuse."""

import pytest

from charlm.base.errors import RunError
from charlm.data.reading.sources import find_text
from charlm.runs.run import Run
from charlm.training import sweep
from charlm.training.loop import train
from charlm.training.sweep import member_training, plan_sweep, shared_engine

SMALL = {"hidden": [4], "seq_len": [8], "batch_size": [4], "sample_every": [0], "workers": [1], "steps": [6]}


@pytest.fixture
def source(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return find_text(str(corpus))


def trained(members, source, stop=lambda: False):
    """The names of the members that were trained for at least a step."""
    engine, names = shared_engine(members), []
    for member in members:
        with member_training(member, engine, source, lambda done, total: None) as begun:
            if begun is not None:
                before = begun[0].state.step
                list(train(*begun, stop))
                names += [member.folder.name] if begun[0].state.step > before else []
    return names


def test_every_combination_has_a_name_of_its_own():
    values = {"cell": ["rnn", "gru"], "lr": [0.01, 0.02], "seed": [1, 2], "hidden": [8]}
    members = plan_sweep(values, "My Novel")
    names = [member.folder.name for member in members]
    assert len(set(names)) == 8 and names[:2] == ["my-novel-rnn-lr0.01-seed1", "my-novel-rnn-lr0.01-seed2"]
    assert members[0].settings == {"cell": "rnn", "lr": 0.01, "seed": 1, "hidden": 8}
    assert members[0].varied == {"cell": "rnn", "lr": 0.01} and members[0].label == "rnn lr 0.01"
    assert [member.label for member in plan_sweep({"seed": [1, 2]}, "a")] == ["all", "all"]


def test_the_same_sweep_trains_only_what_is_missing(source):
    members = plan_sweep(SMALL | {"cell": ["rnn", "gru"], "seed": [1, 2]}, "c")
    assert trained(members[:1], source) == ["c-rnn-seed1"]
    assert trained(members, source) == [member.folder.name for member in members[1:]]
    assert trained(members, source) == []


def test_an_interrupted_training_is_resumed(source):
    (member,) = members = plan_sweep(SMALL | {"seed": [1]}, "c")
    stops = iter([False, False, True])
    assert trained(members, source, lambda: next(stops)) == ["c-seed1"]
    assert Run.open(member.folder).read_metrics()[-1]["step"] == 0
    assert trained(members, source) == ["c-seed1"]
    assert Run.open(member.folder).read_metrics()[-1]["step"] == 6
    whole = plan_sweep(SMALL | {"seed": [1]}, "whole")
    trained(whole, source)
    assert member.folder.joinpath("model.safetensors").read_bytes() == (
        whole[0].folder.joinpath("model.safetensors").read_bytes()
    )


@pytest.mark.parametrize(("changed", "words"), [({"steps": [7]}, "--steps 6"), ({"hidden": [5]}, "--hidden 4")])
def test_a_run_of_another_sweep_is_not_taken_for_one_of_this(source, changed, words):
    trained(plan_sweep(SMALL | {"seed": [1]}, "c"), source)
    with pytest.raises(
        RunError, match=f"c-seed1 is of another sweep, with {words}: give this one another --name"
    ):
        trained(plan_sweep(SMALL | {"seed": [1]} | changed, "c"), source)


def test_a_run_of_another_text_is_not_taken_for_one_of_this(source, tmp_path):
    trained(plan_sweep(SMALL | {"seed": [1]}, "c"), source)
    (tmp_path / "other.txt").write_text("abcdefgh" * 60)
    with pytest.raises(RunError, match="c-seed1 was trained on another text"):
        trained(plan_sweep(SMALL | {"seed": [1]}, "c"), find_text("other.txt"))


def test_all_trainings_have_the_speed_of_the_first(source, monkeypatch):
    speeds = [150.0, 66.7]
    monkeypatch.setattr(sweep, "machine_gflops", lambda config: speeds.pop(0))
    timed = {name: value for name, value in SMALL.items() if name != "steps"}
    members = plan_sweep(
        timed | {"minutes": [1e-4], "preset": ["tiny"], "cell": ["rnn", "gru"], "seed": [1]}, "c"
    )
    trained(members[:1], source)
    trained(members, source)
    assert [Run.open(member.folder).config.engine.gflops for member in members] == [150.0, 150.0]
    assert speeds == [66.7]
