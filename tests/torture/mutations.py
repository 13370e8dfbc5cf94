"""Changed files, drawn at random: bytes flipped, cut, moved and put in, and values in the place of others."""

import json

BYTES = [
    b"\0",
    b"\xff",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\n",
    b"\xed\xa0\x80",
    b"1e999",
    b"NaN",
]
WHOLE = [0, 1, 7, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
NAMES = ["", "x", "format", "charlm", "hidden", "symbols", "\x1b[2J", "\ud800", "x" * 300]
VALUES = [
    *(None, True, False, -1, 0.5, -0.0, 1e308, float("nan"), float("inf"), 10**19, -(10**19), 10**25),
    *("", "a", "lstm", "\x1b]0;x\x07", "\udcff", "\u2028", "x" * 5000, "../..", "/dev/zero", "F64", "I8"),
    *([], {}, [[]], {"x": []}, [0] * 50, ["a", "a"]),
    *WHOLE,
]


def one_of(rng, choices):
    """One of these; a Generator's own choice would make NumPy's values of them."""
    return choices[rng.integers(len(choices))]


def mutated_bytes(rng, data):
    """Some bytes after one to four changes."""
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(data) + 1))
        stop = min(len(data), at + int(rng.integers(1, 16)))
        match rng.integers(8):
            case 0:
                data = (
                    data[:at]
                    + bytes(byte ^ 1 << int(rng.integers(8)) for byte in data[at : at + 1])
                    + data[at + 1 :]
                )
            case 1:
                data = data[:at] + data[stop:]
            case 2:
                data = data[:at] + rng.bytes(int(rng.integers(1, 9))) + data[at:]
            case 3:
                data = data[:at] + one_of(rng, BYTES) + data[at + int(rng.integers(2)) :]
            case 4:
                data = data[:at]
            case 5:
                data = data[:at] + data[at:stop] * int(rng.integers(2, 50)) + data[stop:]
            case 6:
                data = data[stop:] + data[:stop]
            case 7:
                place = at if rng.integers(2) else 0
                data = data[:place] + one_of(rng, WHOLE).to_bytes(8, "little") + data[place + 8 :]
    return data


def mutated_value(rng, value):
    """A JSON value with one place in it changed."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys or rng.random() < 0.15:
        return one_of(rng, VALUES)
    key = one_of(rng, keys)
    changed = value.copy()
    match rng.integers(8) if isinstance(value, dict) else 7:
        case 0:
            del changed[key]
        case 1:
            changed[one_of(rng, NAMES)] = changed.pop(key)
        case 2:
            changed[one_of(rng, NAMES)] = one_of(rng, VALUES)
        case _:
            changed[key] = mutated_value(rng, changed[key])
    return changed


def mutated_json(rng, data):
    """A JSON text after one or two changes of its values; now and then with one of its entries twice."""
    value = json.loads(data)
    for _ in range(rng.integers(1, 3)):
        value = mutated_value(rng, value)
    text = json.dumps(value, ensure_ascii=bool(rng.integers(2))).encode("utf-8", "surrogatepass")
    if isinstance(value, dict) and value and rng.random() < 0.05:
        text = text[:-1] + b"," + text[1:]
    return text


def mutated_header(rng, data):
    """A safetensors file with a changed header, whose length is right."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    if rng.random() < 0.3:
        header["__metadata__"]["charlm"] = mutated_json(rng, header["__metadata__"]["charlm"]).decode(
            "utf-8", "replace"
        )
        text = json.dumps(header).encode()
    else:
        text = mutated_json(rng, data[8:end])
    return len(text).to_bytes(8, "little") + text + data[end:]


def mutated_lines(rng, data):
    """JSON lines, one of which is changed."""
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines) - 1))
    lines[at] = mutated_json(rng, lines[at])
    return b"\n".join(lines)
