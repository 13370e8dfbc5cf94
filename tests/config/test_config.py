"""Every setting of every group: its limits, its type, its JSON, and the errors that name it."""

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CheckpointError, UsageError
from charlm.config import (
    Config,
    DataConfig,
    EngineConfig,
    ModelConfig,
    OptimizerConfig,
    RunConfig,
    SamplingConfig,
    TrainingConfig,
    cell_config_types,
    flag,
    setting,
    task_config_types,
)
from charlm.config.training import GROUPS, setting_names
from charlm.runs.format_version import FORMAT

ALL = [DataConfig, EngineConfig, RunConfig, ModelConfig, OptimizerConfig, SamplingConfig]
SETTINGS = [(group, field.name) for group in ALL for field in group.settings().values()]
IDS = [f"{group.__name__}.{name}" for group, name in SETTINGS]
# What their groups check by themselves.
FREE_TEXT = {"device", "prompt", "stop", "save_every", "split", "val_file", "test_file"}
EVERY = pytest.mark.parametrize(("group", "name"), SETTINGS, ids=IDS)


def limits_of(group, name):
    return group.__dataclass_fields__[name].metadata["limits"]


def is_number(group, name):
    return bool({int, float} & set(group.accepted_types(name)))


def step_of(group, name, bound):
    """The smallest step beyond a bound that the setting's type can take."""
    if int in group.accepted_types(name):
        return 1
    return max(math.ulp(bound), 1e-9)


def refused(group, name, value):
    """The message that a value is refused with."""
    with pytest.raises(UsageError) as caught:
        group(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{flag(name)} is ") and "\n" not in message
    return message


@EVERY
def test_the_default_is_within_its_limits_and_has_a_help(group, name):
    default = getattr(group(), name)
    assert default is None or limits_of(group, name).complaint(default) is None
    assert limits_of(group, name).help.endswith(".")


@EVERY
def test_each_bound_is_kept_to_the_last_step(group, name):
    limits = limits_of(group, name)
    for bound, sign in ((limits.low, -1), (limits.high, 1)):
        if bound is not None:
            assert getattr(group(**{name: bound}), name) == bound
            assert f"{bound:g}" in refused(group, name, bound + sign * step_of(group, name, bound))
    for bound, sign in ((limits.above, 1), (limits.below, -1)):
        if bound is not None:
            inside = bound + sign * step_of(group, name, bound)
            assert getattr(group(**{name: inside}), name) == inside
            assert f"{bound:g}" in refused(group, name, bound)


@EVERY
def test_a_choice_is_one_of_those_named(group, name):
    limits = limits_of(group, name)
    if limits.choices is None:
        assert not {str} & set(group.accepted_types(name)) or name in FREE_TEXT
        return
    assert limits.choices()
    for choice in limits.choices():
        assert getattr(group(**{name: choice}), name) == choice
    for wrong in ("", "none of them", limits.choices()[0].upper()):
        message = refused(group, name, wrong)
        assert all(choice in message for choice in limits.choices())


@EVERY
def test_a_value_of_another_type_is_refused(group, name):
    accepted = set(group.accepted_types(name))
    samples = {str: "1", bool: True, int: 1, float: 1.0, list: [1], dict: {"a": 1}, type(None): None}
    for kind, value in samples.items():
        if kind not in accepted and not (kind is int and float in accepted):
            assert "it must be" in refused(group, name, value)


@EVERY
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_is_finite(group, name, value):
    if is_number(group, name):
        refused(group, name, value)


@EVERY
@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["huge", "minus huge"])
def test_a_number_beyond_every_float_is_refused_as_any_other(group, name, value):
    if is_number(group, name):
        refused(group, name, value)


def test_a_whole_number_serves_where_a_float_is_wanted():
    lr = OptimizerConfig(lr=1).lr
    assert type(lr) is float and lr == 1.0


@pytest.mark.parametrize("group", ALL)
def test_a_group_goes_through_json_and_back(group):
    assert group.from_json(json.loads(json.dumps(group().to_json())), "config.json", FORMAT) == group()


@given(
    hidden=st.integers(1, 65_536),
    lr=st.none() | st.floats(1e-9, 1e6),
    clip=st.floats(0, 1e300),
    steps=st.integers(1, 10**9),
    seed=st.integers(0, 2**63 - 1),
    reset_after=st.booleans(),
)
def test_any_settings_go_through_json_and_back(**settings):
    config = TrainingConfig.from_settings(cell="gru", **settings)
    again = TrainingConfig.from_json(json.loads(json.dumps(config.to_json())), "config.json", FORMAT)
    assert again == config


def test_a_stored_setting_of_another_cell_is_checked_and_has_no_effect():
    values = ModelConfig(cell="lstm").to_json()
    read = ModelConfig.from_json({**values, "reset_after": True}, "config.json", FORMAT)
    assert read == ModelConfig(cell="lstm") and read.to_json() == values
    with pytest.raises(CheckpointError, match=r"^config.json: --reset-after is 3: it must be true or false"):
        ModelConfig.from_json({**values, "reset_after": 3}, "config.json", FORMAT)


@pytest.mark.parametrize("cell", ["gru", "lstm", "mingru", "rnn"])
def test_a_stored_model_has_the_keys_of_its_format_whatever_its_cell(cell):
    own = {"nonlinearity": "tanh", "reset_after": False, "forget_bias": 1.0}
    values = ModelConfig(cell=cell).to_json()
    assert values.keys() == ModelConfig.settings().keys() | own.keys() and own.items() <= values.items()


def test_another_cell_keeps_the_settings_that_it_has_too():
    config = ModelConfig(cell="lstm", hidden=9, forget_bias=2.0)
    assert config.with_cell("mlstm") == ModelConfig(cell="mlstm", hidden=9, forget_bias=2.0)
    assert config.with_cell("rnn", nonlinearity="relu") == ModelConfig(cell="rnn", hidden=9, nonlinearity="relu")


@pytest.mark.parametrize("group", ALL)
def test_a_stored_group_has_every_setting_and_no_other(group):
    values = group().to_json()
    name = next(iter(values))
    for wrong in ({**values, "planted": 1}, {key: value for key, value in values.items() if key != name}):
        odd = (set(wrong) ^ set(values)).pop()
        with pytest.raises(CheckpointError, match=rf"^runs/a/config.json: .*: {odd}$"):
            group.from_json(wrong, "runs/a/config.json", FORMAT)


@dataclasses.dataclass(frozen=True)
class Aged(Config):
    old: int = setting(3, "A setting of the first format.")
    young: int = setting(4, "A setting of the second.", since=2)


def test_a_setting_that_is_younger_than_the_file_has_its_default():
    assert Aged.from_json({"old": 1}, "config.json", 1) == Aged(old=1, young=4)
    assert Aged.from_json({"old": 1, "young": 2}, "config.json", 2) == Aged(old=1, young=2)


@pytest.mark.parametrize(
    ("values", "version", "odd"),
    [({}, 1, "old"), ({"old": 1, "young": 2}, 1, "young"), ({"old": 1}, 2, "young"), ({"young": 2}, 2, "old")],
)
def test_a_file_has_the_settings_of_its_format_and_no_other(values, version, odd):
    with pytest.raises(CheckpointError, match=rf"these settings are unknown or missing: {odd}$"):
        Aged.from_json(values, "config.json", version)


def test_a_group_that_is_younger_than_the_file_has_its_defaults(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Young(Config):
        young: int = setting(4, "A setting of a later format.", since=FORMAT + 1)

    stored = TrainingConfig().to_json()
    monkeypatch.setitem(GROUPS, "budget", Young)
    without = {name: group for name, group in stored.items() if name != "budget"}
    assert TrainingConfig.from_json(without, "config.json", FORMAT).budget == Young()
    with pytest.raises(
        CheckpointError, match=r"are not grouped as model, batching, engine, optimisation, corpus, task$"
    ):
        TrainingConfig.from_json(stored, "config.json", FORMAT)
    with pytest.raises(
        CheckpointError, match=r"are not grouped as model, batching, engine, optimisation, budget, corpus, task$"
    ):
        TrainingConfig.from_json(without, "config.json", FORMAT + 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("hidden", 0), ("hidden", True), ("hidden", "8"), ("hidden", 8.0), ("cell", "elman"), ("forget_bias", None)],
)
def test_a_stored_value_that_cannot_be_is_a_checkpoint_error_that_names_file_and_setting(name, value):
    values = {**ModelConfig().to_json(), name: value}
    with pytest.raises(CheckpointError, match=rf"^config.json: {flag(name)} is {value!r}: it must be"):
        ModelConfig.from_json(values, "config.json", FORMAT)


@pytest.mark.parametrize(
    "values",
    [None, [], "model", 3, {}, {"model": {}}, {name: [] for name in GROUPS}, dict.fromkeys(GROUPS)],
)
def test_what_is_no_mapping_of_groups_is_a_checkpoint_error(values):
    with pytest.raises(CheckpointError, match=r"^config.json: "):
        TrainingConfig.from_json(values, "config.json", FORMAT)


def test_settings_are_sorted_into_their_groups():
    config = TrainingConfig.from_settings(cell="gru", seq_len=9, optimizer="sgd", steps=3)
    assert (config.model.cell, config.batching.seq_len) == ("gru", 9)
    assert (config.optimisation.optimizer, config.budget.steps) == ("sgd", 3)


def test_a_setting_that_is_none_is_named():
    with pytest.raises(UsageError, match=r"no setting is called colour, size; see charlm train --help"):
        TrainingConfig.from_settings(size=3, colour="red", hidden=8)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("hiden", "hidden"), ("learning_rate", "lr"), ("nonlinearty", "nonlinearity"), ("bath", "batch")],
)
def test_the_name_that_was_meant_is_told(name, meant):
    with pytest.raises(UsageError, match=f"^no setting is called {name}; did you mean {meant}\\?$"):
        TrainingConfig.from_settings(**{name: 1})


def test_no_name_or_other_name_stands_for_two_settings():
    kinds = (*GROUPS.values(), *cell_config_types(), *task_config_types())
    fields = {name: field for kind in kinds for name, field in kind.settings().items()}  # tasks share some
    names = [name for field in fields.values() for name in (field.name, *field.metadata["limits"].aliases)]
    assert len(set(names)) == len(names) == len(setting_names())


def test_no_name_stands_for_two_settings():
    names = [name for group in GROUPS.values() for name in group.settings()]
    assert len(set(names)) == len(names)


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelConfig().hidden = 3


@pytest.mark.parametrize("given", [("steps", "epochs"), ("steps", "minutes"), ("epochs", "minutes")])
def test_a_run_has_one_length(given):
    with pytest.raises(UsageError, match="a run has one length") as caught:
        RunConfig(**dict.fromkeys(given, 1))
    assert all(flag(name) in str(caught.value) for name in given)
    assert RunConfig(**{given[0]: 2}).length == (given[0], 2)


def test_left_out_the_length_is_two_minutes():
    assert RunConfig().length == ("minutes", 2.0)


def test_an_empty_stop_string_is_refused():
    with pytest.raises(UsageError, match="--stop is empty"):
        SamplingConfig(stop="")
    assert SamplingConfig(stop="\n").stop == "\n"


def test_the_engines_settings_are_a_group_which_older_formats_store_with_the_batches():
    config = TrainingConfig.from_settings(workers=3, batch_size=6)
    assert config.engine == EngineConfig(workers=3)
    stored = config.to_json()
    assert stored["engine"]["workers"] == 3 and "workers" not in stored["batching"]
    engine = stored.pop("engine")
    del stored["model"]["adaptive_softmax"]  # of format 15
    stored["batching"] |= {name: engine[name] for name in ("workers", "gflops")}
    assert TrainingConfig.from_json(stored, "config.json", 9) == config
    del stored["batching"]["workers"]
    with pytest.raises(CheckpointError, match=r"^config.json: .* unknown or missing: workers"):
        TrainingConfig.from_json(stored, "config.json", 9)


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:3"])
def test_a_device_is_one_that_pytorch_knows(device):
    assert EngineConfig(device=device).device == device
    for wrong in ("gpu", f"{device}:", "cuda:-1", "mps"):
        with pytest.raises(UsageError, match="--device"):
            EngineConfig(device=wrong)
