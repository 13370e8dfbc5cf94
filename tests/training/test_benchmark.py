"""The benchmark measures what it says; how fast this machine is, no test asserts."""

import itertools
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from charlm.config import EngineConfig
from charlm.engines.threads import ThreadPool
from charlm.models.architecture import flops_per_character
from charlm.training.benchmark import (
    BENCH_CHARACTERS,
    VOCAB_SIZE,
    SamplingBench,
    Size,
    TrainingBench,
    peak_gflops,
    resident_bytes,
)
from charlm.training.presets import PRESETS, resolve_settings

MEGABYTE = 1_000_000
TINY = Size("gru", hidden=4, layers=2, batch_size=4, seq_len=8)
HOLDER = "import sys; block = bytearray({size}); print(flush=True); sys.stdin.read()"


def clock():
    """A clock that advances by a second a look."""
    return SimpleNamespace(perf_counter=map(float, itertools.count()).__next__)


def test_the_operations_of_a_character_are_six_for_every_weight_it_meets():
    """By hand: two layers' recurrent weights, the upper one's input weights, the readout; no gathered table."""
    config = Size("lstm", hidden=8, layers=2).config().model
    assert flops_per_character(config, 65) == 6 * (2 * 8 * 32 + 8 * 32 + 8 * 65)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_timed_as_it_trains(name):
    timed, whole = (
        Size.of_preset(name).config(),
        resolve_settings({"preset": name}).for_corpus(BENCH_CHARACTERS, VOCAB_SIZE),
    )
    assert (timed.model, timed.batching.partition) == (whole.model, whole.batching.partition)
    for noise in ("dropout", "weight_drop", "average"):
        assert getattr(timed.optimisation, noise) == getattr(whole.optimisation, noise)
    assert timed.optimisation.dropout > 0 and Size("lstm", 8).config().optimisation.dropout == 0


def test_rates_are_those_of_the_steps_taken(monkeypatch):
    with closing(TrainingBench(TINY, EngineConfig(workers=1))) as training:
        sampling = SamplingBench(TINY, sequences=3)
        monkeypatch.setattr("charlm.training.benchmark.time", clock())
        assert training.chars_per_second(seconds=3) == 2 * 4 * 8 / 3
        assert sampling.chars_per_second(seconds=3) == 2 * 3 / 3


def test_the_ceiling_counts_every_workers_product(monkeypatch):
    monkeypatch.setattr("charlm.training.benchmark.time", clock())
    monkeypatch.setattr("charlm.training.benchmark.PEAK_SIZE", 10)
    with ThreadPool(3) as pool:
        assert peak_gflops(pool) == pytest.approx(3 * 2 * 10**3 / 1e9)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="this system does not tell")
def test_memory_is_that_of_all_processes():
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(size=100 * MEGABYTE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        ours, both = resident_bytes([]), resident_bytes([holder.pid])
        holder.stdin.close()
    assert 100 * MEGABYTE < both - ours < 150 * MEGABYTE


def test_where_the_system_does_not_tell_memory_is_not_made_less(monkeypatch):
    def refuse(path):
        raise OSError

    real = resident_bytes([])
    monkeypatch.setattr(Path, "read_text", refuse)
    assert resident_bytes([os.getpid()]) >= 2 * 0.9 * real


def test_memory_that_no_system_call_tells_is_none(monkeypatch):
    """Windows has neither /proc nor the module ``resource``."""

    def refuse(self):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert resident_bytes([]) is None
