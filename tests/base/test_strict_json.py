import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import CheckpointError, DivergenceError
from charlm.base.files.strict_json import excerpt, json_line, parse_json

FINITE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
NAMES = st.text(max_size=20).filter(str.isprintable)
VALUES = st.recursive(
    FINITE | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=10
)


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_read_back_equal(values):
    line = json_line(values, "so it was lost")
    assert "\n" not in line
    assert parse_json(line.encode(), "here") == values


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
        (b'[{"b": {"a": 1, "a": 1}}]', "the key 'a' stands twice"),
        (b'{"\\u001b[2J": 1}', r"the key '\x1b[2J' is no name"),
        (b'{"\\ud800": 1}', r"the key '\ud800' is no name"),
        (b'{"' + b"x" * 201 + b'": 1}', "xxx ... is no name"),
        (b"NaN", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"1e999", "the number '1e999' is too large"),
        (b"1" * 5000, "a number has 5000 digits"),
        (b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"[" * 33 + b"]" * 33, "nested too deeply"),
        (b"[" * 30_000, "more lists and mappings"),
        (b"{}" + b"[]" * 30_000, "more lists and mappings"),
        (b"\xff", "can't decode byte 0xff"),
        (b'"\xed\xa0\x80"', "can't decode byte 0xed"),
        (b"", "Expecting value"),
        (b"{} {}", "Extra data"),
    ],
)
def test_json_that_charlm_never_writes_is_refused_in_one_line(text, fault):
    with pytest.raises(CheckpointError) as caught:
        parse_json(text, "x.json")
    message = str(caught.value)
    assert message.startswith("x.json is damaged: ") and fault in message
    assert "\n" not in message and len(message) < 200


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_never_written(value):
    with pytest.raises(DivergenceError, match="loss is not a finite number, so it was lost"):
        json_line({"step": 1, "loss": value}, "so it was lost")
    with pytest.raises(DivergenceError, match="a value is not a finite number"):
        json_line({"curve": [1.0, value]}, "so it was lost")


@given(st.text())
def test_an_excerpt_is_short_and_cannot_drive_a_terminal(text):
    shown = excerpt(text)
    assert shown.isascii() and shown.isprintable() and len(shown) <= 80
    if len(json.dumps(text)) < 60:
        assert text == "" or shown != excerpt("")


def test_brackets_inside_strings_are_no_nesting():
    text = b"[" * 32 + b'"' + b"[{" * 50 + rb"\"[" + b'"' + b"]" * 32
    assert excerpt(parse_json(text, "x.json"))
