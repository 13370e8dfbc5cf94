"""A run's counters: they survive storage, and what cannot be is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.errors import CheckpointError
from charlm.training.position import Position

COUNTS = st.integers(0, 2**62)
AMOUNTS = st.floats(0, 1e15)
POSITIONS = st.builds(
    Position,
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
)


@given(POSITIONS)
def test_a_position_survives_storage_bit_for_bit(position):
    stored = json.loads(json.dumps(position.to_json()))
    assert Position.from_json(stored, "last.safetensors") == position


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
    ],
)
def test_an_impossible_counter_is_named(name, value):
    with pytest.raises(CheckpointError, match=f"last.safetensors: the counter {name} is"):
        Position.from_json(Position().to_json() | {name: value}, "last.safetensors")


def test_a_missing_counter_is_named():
    values = Position().to_json()
    del values["epoch"]
    with pytest.raises(CheckpointError, match="the counter epoch is None"):
        Position.from_json(values, "last.safetensors")
