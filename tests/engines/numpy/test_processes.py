"""Worker processes: however a training ends, no process and no shared memory is left, and the reason is told."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from charlm.base.errors import WorkerError
from charlm.config import OptimizerConfig
from charlm.data.windows import SequentialBatcher
from charlm.engines.numpy.engine import NumpyEngine
from charlm.engines.numpy.process import Process
from charlm.engines.threads import Cores, _blas_limits, usable_cores

SYMBOLS, STEPS, STREAMS = 6, 5, 6
CODES = np.random.default_rng(11).integers(SYMBOLS, size=90).astype(np.uint8)
MODEL = {"vocab_size": SYMBOLS, "cell": "rnn"}
BATCH = next(SequentialBatcher(CODES, STEPS, STREAMS).epoch(np.random.default_rng(1)))

LEADER = """
import os, signal, sys
import numpy as np
from charlm.config import ModelConfig, OptimizerConfig
from charlm.engines.numpy.engine import NumpyEngine
from charlm.models.char_rnn import Model
engine = NumpyEngine(Model(ModelConfig(hidden=4), 6), OptimizerConfig(), 5, 6, 3, split_by="rows")
print(*engine.pids, flush=True)
{end}
"""
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
STEP = """
from charlm.data.windows import SequentialBatcher
ids, rng = np.zeros(90, np.uint8), np.random.default_rng(1)
import time; time.sleep(1)  # the others start meanwhile
engine.step(next(SequentialBatcher(ids, 5, 6).epoch(rng)), rng)
"""

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")


def is_running(pid):
    """Whether a process is there and has not ended (one that has ended may wait for its parent to notice)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pids):
    deadline = time.monotonic() + 20
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [pid for pid in pids if is_running(pid)]


def shared_segments():
    """What lies in the folder where named shared memory would."""
    folder = Path("/dev/shm")
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def make_engine(make_model):
    def make(workers, split_by="columns"):
        return NumpyEngine(make_model(**MODEL), OptimizerConfig(), STEPS, STREAMS, workers, split_by=split_by)

    return make


@needs_proc
def test_the_processes_end_with_the_engines_block(make_engine):
    before = shared_segments()
    with closing(make_engine(3)) as engine:
        engine.step(BATCH, np.random.default_rng(0))
        assert len(engine.pids) == 2 and all(map(is_running, engine.pids))
        assert shared_segments() == before
    assert not any(map(is_running, engine.pids))


@needs_proc
def test_the_processes_end_with_their_engine(make_engine):
    engine = make_engine(2)
    pids = engine.pids
    del engine
    gc.collect()
    assert not any(map(is_running, pids))


@pytest.mark.skipif(usable_cores() < 2, reason="there is one core")
def test_where_every_core_has_a_worker_each_stays_on_its_own(make_engine, monkeypatch):
    monkeypatch.setattr("charlm.engines.threads.CLAIM", f"charlm-test-{os.getpid()}-")
    monkeypatch.setattr(Cores, "_trainings", 0)
    monkeypatch.setattr(Cores, "_claims", [])
    with closing(make_engine(2)) as engine:
        engine.step(BATCH, np.random.default_rng(0))
        (own,) = (os.sched_getaffinity(pid) for pid in engine.pids)
        assert len(own) == 1 if usable_cores() == 2 else own == os.sched_getaffinity(0)
        assert len(os.sched_getaffinity(0)) == usable_cores()


def test_one_worker_starts_no_process(make_engine):
    with closing(make_engine(1)) as engine:
        assert engine.pids == []


@needs_proc
@pytest.mark.parametrize(("worker", "split_by"), [(0, "columns"), (1, "rows")])
def test_a_killed_worker_is_told_and_the_others_end(make_engine, worker, split_by):
    """Also where the others wait for it within the step."""
    with closing(make_engine(3, split_by)) as engine:
        engine.step(BATCH, np.random.default_rng(0))
        pid = engine.pids[worker]
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match=rf"worker process {pid} was killed \(SIGKILL\): go on from"):
            engine.step(BATCH, np.random.default_rng(1))
    assert not any(map(is_running, engine.pids))


@needs_proc
def test_an_interrupt_in_a_step_leaves_no_process(make_engine, monkeypatch):
    def interrupted(order):
        raise KeyboardInterrupt

    with closing(make_engine(2)) as engine:
        monkeypatch.setattr(engine._replica, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.step(BATCH, np.random.default_rng(0))
    assert not any(map(is_running, engine.pids))


def test_an_interrupt_before_all_have_their_order_lets_the_others_end(make_engine, monkeypatch):
    def send_and_interrupt(process, order, send=Process.send):
        send(process, order)
        raise KeyboardInterrupt

    with closing(make_engine(3, "rows")) as engine:
        engine.step(BATCH, np.random.default_rng(0))
        monkeypatch.setattr(Process, "send", send_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            engine.step(BATCH, np.random.default_rng(0))
    assert [process._process.returncode for process in engine._processes._processes] == [0, 0]  # none was killed


@needs_proc
def test_workers_wait_for_one_that_is_stopped_and_give_up_where_one_fails(make_engine, monkeypatch):
    with closing(make_engine(2, "rows")) as engine:
        expected = engine.step(BATCH, np.random.default_rng(0))
        (pid,) = engine.pids
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(0.2, os.kill, (pid, signal.SIGCONT)).start()
        began = time.monotonic()
        assert engine.step(BATCH, np.random.default_rng(0)) == expected
        assert time.monotonic() - began > 0.15
        monkeypatch.setattr("charlm.engines.numpy.engine.asdict", lambda request: {"nonsense": 1})
        with pytest.raises(WorkerError, match=r"a worker process failed .*nonsense"):
            engine.step(BATCH, np.random.default_rng(0))


@needs_proc
@pytest.mark.parametrize(
    "end",
    [
        KILLED,
        "os._exit(3)",
        "raise LookupError",
        "sys.exit()",
        f"engine._replica.run = lambda _: {KILLED}; {STEP}",
    ],
    ids=["killed", "gone at once", "error", "exit", "killed while the others wait"],
)
def test_workers_do_not_outlive_their_leader(end):
    """Nor does a program need a guard around its main part for its workers to start."""
    leader = subprocess.run(
        [sys.executable, "-c", LEADER.format(end=end)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, timeout=60, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    pids = [int(pid) for pid in leader.stdout.split()]
    assert len(pids) == 2
    assert wait_until_gone(pids) == []


@needs_proc
def test_signals_to_the_whole_group_are_the_leaders_to_answer(make_engine):
    with closing(make_engine(2)) as engine:
        engine.step(BATCH, np.random.default_rng(0))
        assert os.getpgid(engine.pids[0]) != os.getpgrp()  # so that none reaches it before it can ignore them
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(engine.pids[0], number)
            assert np.isfinite(engine.step(BATCH, np.random.default_rng(0)))


@needs_proc
def test_a_process_that_cannot_be_started_is_told_and_nothing_kept(make_engine, monkeypatch):
    def held():
        gc.collect()
        return len([*Path("/proc/self/fd").iterdir()]), len(_blas_limits._found), Cores._trainings

    monkeypatch.setattr("charlm.engines.threads.CLAIM", f"charlm-test-{os.getpid()}-")
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    before = held()
    with pytest.raises(WorkerError, match=r"can be started .*--workers 1"):
        make_engine(2)
    assert held() == before


def test_a_process_that_cannot_import_charlm_is_told(make_engine, monkeypatch):
    monkeypatch.setattr("charlm.engines.numpy.processes.MODULE", "charlm.engines.numpy.no_such_module")
    with closing(make_engine(2)) as engine, pytest.raises(WorkerError, match="No module named 'charlm"):
        engine.step(BATCH, np.random.default_rng(0))
