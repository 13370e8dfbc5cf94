import json
import os
import sys

import numpy as np
import pytest

from charlm.base.errors import CheckpointError, DivergenceError, RunError
from charlm.runs import tensors as file_format
from charlm.runs.format_version import FORMAT
from charlm.runs.tensors import load_tensors, save_tensors

SHAPES = {"a": (2, 3), "b": (4,)}
STAMP = json.dumps({"format": 1, "charlm": "0.1.0"})


def a_tensor(dtype="F32", shape=(2, 3), place=(0, 24)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(place)}


def a_header(**changes):
    """A right header of SHAPES in float32, with changes; 40 bytes of data belong to it."""
    header = {"__metadata__": {"charlm": STAMP}, "a": a_tensor(), "b": a_tensor(shape=(4,), place=(24, 40))}
    return {name: entry for name, entry in {**header, **changes}.items() if entry is not None}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tensors_and_scalars_come_back_bit_for_bit(tmp_path, dtype):
    rng = np.random.default_rng(0)
    tensors = {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}
    tensors["a"][0, 0] = -0.0
    scalars = {"step": 2**53 + 1, "seconds": 0.1, "order": [1, 2], "best": None, "note": "\u2028é\ud800"}
    save_tensors(tmp_path / "file", tensors, scalars)
    loaded, read, version = load_tensors(tmp_path / "file", SHAPES, dtype)
    assert (read, version) == (scalars, FORMAT)
    assert {name: tensor.tobytes() for name, tensor in loaded.items()} == {
        name: tensor.tobytes() for name, tensor in tensors.items()
    }
    assert all(loaded[name].shape == shape and loaded[name].flags.writeable for name, shape in SHAPES.items())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_never_saved(tmp_path, value):
    path = tmp_path / "file"
    save_tensors(path, {"a": np.zeros(2)}, {})
    before = path.read_bytes()
    with pytest.raises(DivergenceError, match=r"a holds a number that is not finite, so .*file was not saved"):
        save_tensors(path, {"a": np.array([0.0, value])}, {})
    with pytest.raises(DivergenceError, match=r"loss is not a finite number, so .*file was not saved"):
        save_tensors(path, {"a": np.zeros(2)}, {"loss": float(value)})
    assert path.read_bytes() == before


def test_scalars_that_could_not_be_read_again_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="do not fit a header"):
        save_tensors(tmp_path / "file", {"a": np.zeros(2)}, {"note": "x" * 1_000_000})
    assert not any(tmp_path.iterdir())


def test_the_right_header_loads(tmp_path, raw_file):
    (tmp_path / "file").write_bytes(raw_file(a_header(), bytes(40)))
    tensors, scalars, version = load_tensors(tmp_path / "file", SHAPES, "float32")
    assert (scalars, version) == ({}, 1) and tensors["b"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (
            a_header(a=None, b=a_tensor(shape=(10,), place=(0, 40))),
            "lacks the tensor 'a', which config.json calls",
        ),
        (a_header(c=a_tensor(shape=(0,), place=(40, 40))), "holds the tensor 'c', for which config.json has no"),
        (a_header(a=a_tensor(shape=(3, 2))), r"a has the shape [3, 2], and config.json makes it [2, 3]"),
        (a_header(a=a_tensor(dtype="F64", shape=(3,))), "a has the shape"),
        (
            a_header(a=a_tensor(dtype="I64")),
            "the tensor 'a' has the dtype 'I64'; charlm writes F32, F64, U8, U16, U32",
        ),
        (a_header(a=a_tensor(dtype=["F32"])), "has the dtype ['F32']"),
        (a_header(a={"dtype": "F32"}), "is not described by dtype, shape and data_offsets"),
        (a_header(a=[1]), "is not described by"),
        (a_header(a=a_tensor(shape=(2.0, 3))), "the impossible shape [2.0, 3]"),
        (a_header(a=a_tensor(shape=(True, 6))), "the impossible shape [True, 6]"),
        (a_header(a=a_tensor(shape=(-2, -3))), "the impossible shape [-2, -3]"),
        (a_header(a=a_tensor(shape=(2, 10**15))), "the impossible shape"),
        (a_header(a=a_tensor(shape=(1,) * 1000)), "the impossible shape"),
        (a_header(a=a_tensor(place=(0, 10**15))), "lies outside the file, at [0, 1000000000000000]"),
        (a_header(a=a_tensor(place=(0, 24, 24))), "lies outside the file"),
        (a_header(a=a_tensor(place=(0, 20))), "has a shape that does not fit its bytes"),
        (a_header(b=a_tensor(shape=(4,), place=(20, 36))), "do not fill it exactly"),
        (a_header(b=a_tensor(shape=(3,), place=(24, 36))), "do not fill it exactly"),
        (a_header(a=a_tensor(shape=(5,), place=(4, 24))), "do not fill it exactly"),
        (a_header(__metadata__=None), "was not written by charlm: its metadata has no 'charlm'"),
        (a_header(__metadata__={"format": "pt"}), "was not written by charlm"),
        (a_header(__metadata__={"charlm": 1}), "its metadata is not a mapping of texts"),
        (a_header(__metadata__=[]), "its metadata is not a mapping of texts"),
        (a_header(__metadata__={"charlm": "[]"}), "was not written by charlm"),
        (a_header(__metadata__={"charlm": '"\ud800"'}), "the metadata of"),
        (a_header(__metadata__={"charlm": '{"format": 1, "format": 1}'}), "the key 'format' stands twice"),
        (a_header(__metadata__={"charlm": '{"loss": NaN}'}), "NaN is not a JSON number"),
        (a_header(__metadata__={"charlm": "{}"}), "it does not say which format it has"),
        (a_header(__metadata__={"charlm": '{"format": "1", "charlm": "0"}'}), "does not say which format"),
        (a_header(__metadata__={"charlm": '{"format": 0, "charlm": "0"}'}), "does not say which format"),
        (
            a_header(__metadata__={"charlm": '{"format": 70, "charlm": "9.1"}'}),
            f"has format 70, which charlm '9.1' reads; this one reads up to {FORMAT}",
        ),
        ([], "its header is not a mapping"),
        (b"{", "is damaged: Expecting property name"),
        (b'{"a": {}, "a": {}}', "the key 'a' stands twice"),
        (b"[" * 5000, "nested too deeply"),
        (b"\xff\xfe{}", "can't decode byte 0xff"),
    ],
)
def test_a_wrong_header_is_refused_before_any_tensor_has_memory(tmp_path, raw_file, monkeypatch, header, fault):
    path = tmp_path / "file"
    path.write_bytes(raw_file(header, bytes(40)))
    monkeypatch.setattr(np, "empty", None)
    with pytest.raises(CheckpointError) as caught:
        load_tensors(path, SHAPES, "float32")
    message = str(caught.value)
    assert str(path) in message and fault in message
    assert "\n" not in message and len(message) < 300 + len(str(path))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "it is cut short in its header"),
        (b"\0" * 7, "it is cut short in its header"),
        (b"\xff" * 100, "it is cut short in its header"),
        ((2**40).to_bytes(8, "little") + b"{}", "it is cut short in its header"),
        ((2_000_000).to_bytes(8, "little") + b" " * 2_000_000, "claims 2,000,000 of at most 1,000,000 bytes"),
        (b"plain text, no archive", "it is cut short in its header, or no safetensors file"),
    ],
)
def test_a_file_that_is_no_archive_is_refused(tmp_path, data, fault):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(CheckpointError, match=fault):
        load_tensors(tmp_path / "file", SHAPES, "float32")


def test_a_file_that_is_cut_short_anywhere_is_refused(tmp_path):
    path = tmp_path / "file"
    save_tensors(path, {name: np.ones(shape) for name, shape in SHAPES.items()}, {"step": 1})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="is damaged"):
            load_tensors(path, SHAPES, "float64")


def test_another_dtype_is_refused(tmp_path):
    save_tensors(tmp_path / "file", {"a": np.ones((2, 3))}, {})
    with pytest.raises(CheckpointError, match=r"a is of type F64, and config\.json says float32"):
        load_tensors(tmp_path / "file", {"a": (2, 3)}, "float32")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_never_loaded(tmp_path, raw_file, value):
    numbers = np.zeros(10, "<f4")
    numbers[7] = value
    (tmp_path / "file").write_bytes(raw_file(a_header(), numbers.tobytes()))
    with pytest.raises(CheckpointError, match="is damaged: b holds a number that is not finite"):
        load_tensors(tmp_path / "file", SHAPES, "float32")


def test_other_tensors_are_allowed_on_request_but_not_believed(tmp_path, raw_file):
    path = tmp_path / "file"
    save_tensors(path, {"a": np.ones(2), "c": np.ones(3)}, {})
    tensors, _, _ = load_tensors(path, {"a": (2,)}, "float64", others="c".__eq__)
    assert list(tensors) == ["a"]
    with pytest.raises(CheckpointError, match="holds the tensor 'c'"):
        load_tensors(path, {"a": (2,)}, "float64")
    path.write_bytes(raw_file(a_header(c=a_tensor(shape=(10**14,), place=(40, 40 + 4 * 10**14))), bytes(40)))
    with pytest.raises(CheckpointError, match="'c' has the impossible shape"):
        load_tensors(path, SHAPES, "float32", others="c".__eq__)


def test_a_hostile_name_is_shown_escaped_and_short(tmp_path, raw_file):
    name = "\x1b[2J\n" + "x" * 10_000
    (tmp_path / "file").write_bytes(raw_file(a_header(**{name: a_tensor(place=(40, 64))}), bytes(64)))
    with pytest.raises(CheckpointError) as caught:
        load_tensors(tmp_path / "file", SHAPES, "float32")
    assert str(caught.value).isprintable() and r"the key '\x1b[2J\nxxx" in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


def test_a_file_with_holes_that_is_larger_than_the_memory_is_refused(tmp_path, raw_file):
    path, length = tmp_path / "file", 2**41
    header = {"__metadata__": {"charlm": STAMP}, "a": a_tensor(shape=(length,), place=(0, 4 * length))}
    path.write_bytes(raw_file(header))
    try:
        os.truncate(path, path.stat().st_size + 4 * length)
    except OSError:
        pytest.skip("this file system has no such files")
    with pytest.raises(CheckpointError, match="file does not fit in memory"):
        load_tensors(path, {"a": (length,)}, "float32")


def test_memory_that_runs_out_is_told(tmp_path, monkeypatch):
    def run_out(*args, **kwargs):
        raise MemoryError

    save_tensors(tmp_path / "file", {"a": np.ones(2)}, {})
    monkeypatch.setattr(np, "empty", run_out)
    with pytest.raises(CheckpointError, match="file does not fit in memory"):
        load_tensors(tmp_path / "file", {"a": (2,)}, "float64")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(RunError, match="file cannot be read: No such file or directory"):
        load_tensors(tmp_path / "file", SHAPES, "float32")


@pytest.fixture
def meddle(monkeypatch):
    """A function that has something done between the check of a header and the reading of the tensors."""

    def install(change):
        read = file_format._read_tensors

        def changed_first(*arguments):
            change()
            return read(*arguments)

        monkeypatch.setattr(file_format, "_read_tensors", changed_first)

    return install


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_a_file_that_is_replaced_between_check_and_reading_is_read_as_it_was(tmp_path, meddle):
    path = tmp_path / "file"
    save_tensors(path, {name: np.ones(shape) for name, shape in SHAPES.items()}, {})
    meddle(lambda: save_tensors(path, {"a": np.zeros(10**6)}, {}))
    tensors, _, _ = load_tensors(path, SHAPES, "float64")
    assert tensors["a"].tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize("how", ["cut short", "lengthened", "overwritten"])
def test_a_file_that_is_changed_between_check_and_reading_is_told(tmp_path, meddle, how):
    path = tmp_path / "file"
    save_tensors(path, {name: np.ones(shape) for name, shape in SHAPES.items()}, {})
    whole = path.read_bytes()
    changed = {"cut short": whole[:-9], "lengthened": whole + b"more", "overwritten": whole[:-9] + bytes(9)}[how]

    def change():
        path.write_bytes(changed)
        os.utime(path, (1, 1))  # no two writes are so near that a clock shows them as one

    meddle(change)
    with pytest.raises(RunError, match="file was changed while it was being read; try again"):
        load_tensors(path, SHAPES, "float64")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_pipe_in_the_place_of_a_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "file")
    with pytest.raises(CheckpointError, match="is not a plain file"):
        load_tensors(tmp_path / "file", SHAPES, "float32")


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"not a plain file|cannot be read"):
        load_tensors(tmp_path, SHAPES, "float32")
