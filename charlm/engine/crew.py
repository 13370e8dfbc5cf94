"""The worker processes of a training, seen from the process that leads it.

They are started as commands of their own, not forked, and talk in lines of JSON: the arrays lie in shared memory.
So a program that trains needs no ``if __name__ == "__main__"``, and nothing is pickled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from charlm.engine.worker import Job
from charlm.errors import WorkerError

MODULE = "charlm.engine.worker"
PATIENCE = 10.0  # seconds for a worker to finish its step and leave; then it is killed


class Crew:
    """One process a job; its processes are gone when it is closed."""

    def __init__(self, jobs: Sequence[Job], inherited: tuple[int, ...]) -> None:
        """Start the processes, and give each its job.

        Raises:
            WorkerError: a process cannot be started.
        """
        self.pids: list[int] = []
        self._processes: list[subprocess.Popen[str]] = []
        command = [sys.executable, "-m", MODULE]
        # A worker must find the same charlm, and must not start the matrix library's own threads at all.
        surroundings = {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        surroundings |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        try:
            for job in jobs:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=inherited,
                    env=os.environ | surroundings,
                )  # fmt: skip
                self._processes.append(process)
                self.pids.append(process.pid)
                self._send(process, job.to_line())
        except OSError as error:
            self.close()
            raise WorkerError(f"no worker process can be started ({error}): train with --workers 1") from error

    def order(self, orders: Sequence[Mapping[str, Any]]) -> None:
        """Give each worker its order, JSON values by name, which it begins at once."""
        for process, order in zip(self._processes, orders, strict=True):
            self._send(process, json.dumps(order) + "\n")

    def answers(self) -> list[dict[str, Any]]:
        """Wait for every worker's answer, in their order.

        Raises:
            WorkerError: a worker failed, or its process has ended.
        """
        lines = [process.stdout.readline() if process.stdout else "" for process in self._processes]
        for process, line in zip(self._processes, lines, strict=True):
            if not line.endswith("\n"):
                raise WorkerError(self._end_of(process))
        answers: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for answer in answers:
            if "error" in answer:
                failure = WorkerError(f"a worker process failed ({answer['error']})")
                failure.add_note(answer["traceback"])
                raise failure
        return answers

    def close(self) -> None:
        """End the processes, and wait until they are gone."""
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe:
                        pipe.close()
        for process in self._processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _send(self, process: subprocess.Popen[str], line: str) -> None:
        # A process that has ended is told by its missing answer, with the reason.
        with suppress(BrokenPipeError):
            if process.stdin:
                process.stdin.write(line)
                process.stdin.flush()

    def _end_of(self, process: subprocess.Popen[str]) -> str:
        status = process.wait()
        how = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
        return (
            f"worker process {process.pid} {how}: go on from the last save with --resume, "
            "with fewer --workers if memory ran out"
        )
