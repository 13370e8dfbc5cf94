"""Worker threads: results in order, errors that surface, threads and limits that end with the block."""

import os
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from charlm.engines.threads import Cores, ThreadPool, cpu_quota, on_core, usable_cores


def raising(error):
    def task():
        raise error

    return task


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def worker_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("charlm-worker")]


def test_results_come_in_the_order_of_their_tasks():
    with ThreadPool(3) as pool:
        assert pool.run([lambda n=n: n * n for n in range(7)]) == [n * n for n in range(7)]


def test_tasks_run_side_by_side():
    meeting = threading.Barrier(2, timeout=10)
    with ThreadPool(2) as pool:
        assert sorted(pool.run([meeting.wait, meeting.wait])) == [0, 1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_error_surfaces_once_all_tasks_are_done_and_the_pool_goes_on(place):
    done = threading.Event()
    tasks = [done.set, lambda: None, lambda: None]
    tasks[place], tasks[(place + 1) % 3] = raising(LookupError("planted")), done.set
    with ThreadPool(3) as pool:
        with pytest.raises(LookupError, match="planted"):
            pool.run(tasks)
        assert done.is_set()
        assert pool.run([lambda: 1, lambda: 2]) == [1, 2]


def test_of_several_errors_the_first_in_order_surfaces():
    with ThreadPool(2) as pool, pytest.raises(LookupError):
        pool.run([lambda: None, raising(LookupError()), raising(ValueError())])


@given(workers=st.integers(1, 9), batch_size=st.integers(1, 30))
def test_columns_cover_the_batch_in_near_equal_parts(workers, batch_size):
    with ThreadPool(workers) as pool:
        columns = pool.columns(batch_size)
    covered = [column for part in columns for column in range(batch_size)[part]]
    sizes = [part.stop - part.start for part in columns]
    assert covered == list(range(batch_size))
    assert len(columns) == min(workers, batch_size)
    assert max(sizes) - min(sizes) <= 1 and min(sizes) >= 1


def test_left_out_there_is_a_worker_for_each_core():
    with ThreadPool() as pool:
        assert pool.workers == usable_cores() >= 1


@pytest.mark.parametrize(
    ("workers", "expected"), [(1, [None]), (2, [None, None]), (3, [2, 4, 7]), (5, [None] * 5)]
)
def test_workers_stay_on_cores_only_where_each_has_one(monkeypatch, workers, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {7, 2, 4}, raising=False)
    monkeypatch.setattr("os.sched_setaffinity", lambda pid, cores: None, raising=False)
    monkeypatch.setattr("charlm.engines.threads._claim", lambda cores, claims: True)
    with closing(Cores(workers)) as pinned:
        assert pinned.cores == expected


@pytest.mark.skipif(sys.platform != "linux" or usable_cores() < 2, reason="trainings stay on no cores")
def test_two_trainings_do_not_stay_on_the_same_core(monkeypatch):
    name = f"charlm-test-{os.getpid()}-"
    monkeypatch.setattr("charlm.engines.threads.CLAIM", name)
    monkeypatch.setattr(Cores, "_trainings", 0)
    monkeypatch.setattr(Cores, "_claims", [])
    other = (
        f"from charlm.engines import threads as t; t.CLAIM = {name!r}; print(t.Cores(t.usable_cores()).cores[0])"
    )

    def ask():
        return subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=True).stdout

    with closing(Cores(usable_cores())) as first, closing(Cores(usable_cores())) as second:
        assert first.cores == second.cores != [None] * usable_cores()
        assert ask() == "None\n"
    assert ask() != "None\n"


@pytest.mark.parametrize(
    ("outer", "inner", "quota"),
    [
        ("max 100000", "250000 100000", 2.5),
        ("150000 100000", "max 100000", 1.5),
        ("max 100000", "max 100000", None),
    ],
)
def test_a_quota_of_cpu_time_counts_as_cores(tmp_path, monkeypatch, outer, inner, quota):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    own, root = tmp_path / "cgroup", tmp_path / "fs"
    (root / "a" / "b").mkdir(parents=True)
    own.write_text("1:cpu:/elsewhere\n0::/a/b\n")
    (root / "a" / "cpu.max").write_text(outer + "\n")
    (root / "a" / "b" / "cpu.max").write_text(inner + "\n")
    assert cpu_quota(own, root) == (quota or 8)
    assert cpu_quota(tmp_path / "none", root) == 8
    monkeypatch.setattr("charlm.engines.threads.cpu_quota", lambda: 0.4)
    assert usable_cores() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system lets nobody choose a core")
def test_a_thread_is_on_its_core_in_the_block_alone():
    before = os.sched_getaffinity(0)
    for core in (min(before), max(before)):
        with on_core(core):
            assert os.sched_getaffinity(0) == {core}
        assert os.sched_getaffinity(0) == before
    with on_core(None):
        assert os.sched_getaffinity(0) == before


def test_threads_end_with_the_block():
    before = set(worker_threads())
    with ThreadPool(2) as pool:
        pool.run([lambda: None] * 2)
        assert set(worker_threads()) - before
    assert not set(worker_threads()) - before


@pytest.mark.parametrize("ends_in", ["peace", "an error"])
def test_the_matrix_library_has_one_thread_in_the_block_and_its_own_number_after(ends_in):
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        with pytest.raises(LookupError) if ends_in == "an error" else ThreadPool(1), ThreadPool(2) as pool:
            assert set(blas_threads()) <= {1}
            pool.run([lambda: None, raising(LookupError()) if ends_in == "an error" else lambda: None])
        assert blas_threads() == before


@pytest.mark.parametrize("has_outer", [False, True])
def test_pools_that_overlap_leave_the_matrix_library_as_the_first_found_it(has_outer):
    outer = ThreadPool(1) if has_outer else None
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        first, second = ThreadPool(1), ThreadPool(1)
        first.close()
        first.close()
        assert set(blas_threads()) <= {1}
        second.close()
        assert blas_threads() == before
    if outer is not None:
        outer.close()
