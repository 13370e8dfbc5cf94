"""Files that were changed in any way: they load, or they are refused in one line, and nothing else happens."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charlm.checkpoint.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from charlm.checkpoint.run import Run
from charlm.errors import RunError
from charlm.model import Model

EXAMPLES = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def run(tmp_path, make_run):
    """A whole run, with a carried state in its checkpoint."""
    run = make_run(tmp_path)
    model = Model(run.config.model, len(run.vocabulary))
    model.initialise(np.random.default_rng(0))
    extras = {"state.0.h": np.ones((2, 3), "float32")}
    save_checkpoint(run.last_path, Checkpoint(model.params, extras, {"step": 1}), run.config.model)
    return run


@st.composite
def mutated_bytes(draw, data):
    """Some bytes with a few cuts, insertions and changes."""
    result = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(result)))
        stop = draw(st.integers(at, min(at + 8, len(result))))
        result[at:stop] = draw(st.binary(max_size=8))
    return bytes(result)


@st.composite
def mutated_json(draw, value):
    """A JSON value with one place in it replaced by another value."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(mutated_json(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], draw(mutated_json(value[at])), *value[at + 1 :]]
    return draw(JSON)


def loads_or_is_refused(load):
    """Refusals are one short printable line; any other exception fails the test by itself."""
    refusal = None
    try:
        load()
    except RunError as error:
        refusal = str(error)
    assert refusal is None or (refusal.isprintable() and 0 < len(refusal) < 1000)


def load_all(run):
    load_checkpoint(run.last_path, run.config.model, len(run.vocabulary), {"state.0.h": (2, 3)})
    run.load_model()


@pytest.fixture
def whole(run):
    """The right content of each file, by name."""
    return {path.name: path.read_bytes() for path in run.folder.iterdir()}


@EXAMPLES
@given(data=st.data())
def test_a_checkpoint_with_changed_bytes(run, whole, data):
    run.last_path.write_bytes(data.draw(mutated_bytes(whole["last.safetensors"])))
    loads_or_is_refused(lambda: load_all(run))


@EXAMPLES
@given(data=st.data())
def test_a_checkpoint_with_a_changed_header(run, whole, data):
    right = whole["last.safetensors"]
    stop = 8 + int.from_bytes(right[:8], "little")
    header = json.dumps(data.draw(mutated_json(json.loads(right[8:stop])))).encode()
    run.last_path.write_bytes(len(header).to_bytes(8, "little") + header + right[stop:])
    loads_or_is_refused(lambda: load_all(run))


@EXAMPLES
@pytest.mark.parametrize("name", ["config.json", "vocab.json"])
@given(data=st.data())
def test_settings_and_vocabulary_with_changed_bytes(run, whole, name, data):
    (run.folder / name).write_bytes(data.draw(mutated_bytes(whole[name])))
    loads_or_is_refused(lambda: Run.open(run.folder).load_model())


@EXAMPLES
@pytest.mark.parametrize("name", ["config.json", "vocab.json"])
@given(data=st.data())
def test_settings_and_vocabulary_with_a_changed_value(run, whole, name, data):
    (run.folder / name).write_text(json.dumps(data.draw(mutated_json(json.loads(whole[name])))))
    loads_or_is_refused(lambda: Run.open(run.folder).load_model())


@EXAMPLES
@given(data=st.data())
def test_a_curve_with_changed_bytes(run, data):
    right = b"".join(json.dumps({"step": step, "loss": 0.5}).encode() + b"\n" for step in range(4))
    run.metrics_path.write_bytes(data.draw(mutated_bytes(right)))
    loads_or_is_refused(run.read_metrics)
    loads_or_is_refused(lambda: run.append_metrics({"step": 5}))
