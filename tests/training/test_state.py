"""A run's counters: they survive storage, and what cannot be is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CheckpointError
from charlm.runs.format_version import FORMAT
from charlm.training.state import TrainerState

COUNTS = st.integers(0, 2**62)
AMOUNTS = st.floats(0, 1e15)
POSITIONS = st.builds(
    TrainerState,
    step=COUNTS,
    epoch=COUNTS,
    index=COUNTS,
    targets=COUNTS,
    seconds=AMOUNTS,
    loss_sum=AMOUNTS,
    loss_targets=COUNTS,
    train_nats_per_char=st.none() | AMOUNTS,
    best_val=st.none() | AMOUNTS,
    validated_at=AMOUNTS,
    validated_step=st.none() | COUNTS,
    val_nats_per_char=st.none() | AMOUNTS,
    lr=AMOUNTS,
    mean_nats=st.none() | AMOUNTS,
    spread_nats=AMOUNTS,
    recent_nats=AMOUNTS,
    lr_factor=AMOUNTS,
    rollbacks=COUNTS,
    rollbacks_in_a_row=COUNTS,
    without_best=COUNTS,
    spike_steps=COUNTS,
    spike_nats=AMOUNTS,
    training_seconds=AMOUNTS,
    validation_seconds=AMOUNTS,
    saving_seconds=AMOUNTS,
    slowest_validation=AMOUNTS,
    slowest_save=AMOUNTS,
)


@given(POSITIONS)
def test_a_position_survives_storage_bit_for_bit(position):
    stored = json.loads(json.dumps(position.to_json()))
    assert TrainerState.from_json(stored, "last.safetensors", FORMAT) == position


def test_a_position_of_format_1_has_the_later_counters_at_their_defaults():
    first = ("step", "epoch", "index", "targets", "seconds", "loss_sum", "loss_targets", "train_nats_per_char")
    stored = dict.fromkeys((*first, "best_val", "validated_at"), 3)
    position = TrainerState.from_json(stored | {"rollbacks": -9}, "last.safetensors", 1)
    assert position.to_json() == TrainerState().to_json() | stored | {"validated_step": 3, "training_seconds": 3}


@pytest.mark.parametrize("version", [2, 3])
def test_before_format_4_all_of_a_run_s_time_counts_as_training(version):
    later = ("spike_steps", "training_seconds", "validation_seconds", "slowest_validation")
    stored = {
        name: value
        for name, value in TrainerState(seconds=9.5, targets=19).to_json().items()
        if name not in later
    }
    position = TrainerState.from_json(stored, "last.safetensors", version)
    assert (position.training_seconds, position.validation_seconds, position.spike_steps) == (9.5, 0.0, 0)
    assert position.chars_per_second == 2.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", -1),
        ("step", 1.5),
        ("step", None),
        ("step", True),
        ("index", "3"),
        ("targets", 2**63),
        ("seconds", -0.5),
        ("seconds", float("nan")),
        ("seconds", float("inf")),
        ("seconds", None),
        ("best_val", "low"),
        ("best_val", -1.0),
        ("train_nats_per_char", [1]),
        ("validated_step", 1.5),
        ("validated_step", True),
        ("lr_factor", None),
        ("rollbacks", 0.5),
    ],
)
def test_an_impossible_counter_is_named(name, value):
    with pytest.raises(CheckpointError, match=f"last.safetensors: the counter {name} is"):
        TrainerState.from_json(TrainerState().to_json() | {name: value}, "last.safetensors", 2)


def test_a_missing_counter_is_named():
    values = TrainerState().to_json()
    for name in ("epoch", "lr_factor"):
        odd = {key: value for key, value in values.items() if key != name}
        with pytest.raises(CheckpointError, match=f"the counter {name} is None"):
            TrainerState.from_json(odd, "last.safetensors", 2)
