"""Files that were changed in any way: they are read, or refused in one line, and nothing else happens."""

import numpy as np
import pytest

from tests.torture.fuzz_files import KINDS, Finding, Fuzzer
from tests.torture.mutations import mutated_bytes

CASES = 1000


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[f"{name}-{mutate.__name__}" for name, mutate in KINDS])
def test_a_changed_file_is_read_or_refused(tmp_path, kind):
    fuzzer = Fuzzer(tmp_path / "run")
    outcomes = [fuzzer.try_case(number) for number in range(kind, CASES, len(KINDS))]
    assert any(outcomes)


def test_another_exception_is_a_finding(tmp_path, monkeypatch):
    fuzzer = Fuzzer(tmp_path / "run")
    monkeypatch.setattr("tests.torture.fuzz_files.Run.open", lambda folder: 1 / 0)
    with pytest.raises(Finding, match=r"config\.json: ZeroDivisionError: division by zero"):
        fuzzer.try_case(7)


def test_mutations_of_a_number_are_always_the_same():
    data = bytes(range(200))
    first, again = (mutated_bytes(np.random.default_rng([0, 3]), data) for _ in range(2))
    assert first == again != data
