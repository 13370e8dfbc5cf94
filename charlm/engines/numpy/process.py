"""A child process of charlm that exchanges lines of JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from os import environ
from pathlib import Path
from threading import Thread
from typing import Any

from charlm.base.errors import WorkerError
from charlm.engines.numpy import process_start

PATIENCE = 10.0  # seconds for a process to finish what it does and leave; then it is killed


class Process:
    """A child process that answers each request."""

    def __init__(
        self,
        module: str,
        inherited: tuple[int, ...] = (),
        surroundings: Mapping[str, str] | None = None,
    ) -> None:
        """Run ``serve`` of a module, with ``surroundings`` added to the environment.

        Raises:
            OSError: the system refuses.
        """
        # -P: it imports from the folders in its arguments alone. In its own process group, it does not get the
        # signals that the terminal sends to this one.
        self._process = subprocess.Popen(
            [sys.executable, "-P", process_start.__file__, module, *module_folders()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", errors="backslashreplace", pass_fds=inherited,
            env={**environ, **(surroundings or {})}, process_group=None if sys.platform == "win32" else 0,
        )  # fmt: skip
        self.pid = self._process.pid
        self._has_begun = False
        self._last_line = ""
        self._relay = Thread(target=self._pass_on_errors, daemon=True)
        self._relay.start()

    @property
    def has_ended(self) -> bool:
        """Whether it no longer runs."""
        return self._process.poll() is not None

    def send(self, order: Mapping[str, Any]) -> None:
        """Send a request, JSON values by name."""
        assert self._process.stdin is not None
        # If it has ended, its missing answer tells.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for its next answer.

        Raises:
            WorkerError: it failed or has ended.
        """
        assert self._process.stdout is not None
        while not self._has_begun and (line := self._process.stdout.readline()):
            self._has_begun = line == process_start.MARK
            if not self._has_begun:
                self._pass_on(line)
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise WorkerError(self._end(), hint="")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            failure = WorkerError(f"a worker process failed ({answer['error']})")
            failure.add_note(answer["traceback"])
            raise failure
        return answer

    def dismiss(self) -> None:
        """Close its input, which ends it."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe:
                    pipe.close()

    def wait(self, patience: float = PATIENCE) -> None:
        """Wait for its end; kill it after ``patience`` seconds."""
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._relay.join(PATIENCE)

    def _pass_on_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._pass_on(line)

    def _pass_on(self, line: str) -> None:
        """Copy a printed line to standard error."""
        self._last_line = line.strip() or self._last_line
        with suppress(OSError, ValueError):
            if sys.stderr is not None and line.strip():
                sys.stderr.write(line)

    def _end(self) -> str:
        """How it ended, with its last output."""
        self.wait()
        status = self._process.returncode
        how = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
        said = f", saying {self._last_line!r}" if self._last_line else ""
        return f"worker process {self.pid} {how}{said}"


def module_folders() -> list[str]:
    """The import path, without the working folder that the interpreter added."""
    folders = [folder for folder in sys.path if folder]
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None and spec.name != "charlm.__main__" and not sys.flags.safe_path:
        with suppress(ValueError):
            folders.remove(str(Path.cwd()))
    return folders
