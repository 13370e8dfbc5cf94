"""The start of a child process, run before other imports."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

MARK = "charlm's answers:\n"


def begin() -> None:
    """Import the module and have it serve."""
    name, sys.path[:] = sys.argv[1], sys.argv[2:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        _serve(name, answers)
    except BrokenPipeError:
        os._exit(0)  # the training process is gone, and closing the pipe would fail again


def _serve(name: str, answers: "TextIO") -> None:
    """Have the module serve; a failure is the last answer."""
    from importlib import import_module

    answers.write(f"\n{MARK}")
    try:
        _import_charlm()
        import_module(name).serve(sys.stdin, answers)
    except Exception as error:
        answers.write(failure_line(error))
    answers.close()


def failure_line(error: Exception) -> str:
    """The answer that reports a failure."""
    import json
    from traceback import format_exception

    told = {"error": f"{type(error).__name__}: {error}", "traceback": "".join(format_exception(error))}
    return json.dumps(told) + "\n"


def _import_charlm() -> None:
    """Import this file's package, not another of its name."""
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    spec = spec_from_file_location("charlm", Path(__file__).resolve().parents[2] / "__init__.py")
    assert spec is not None and spec.loader is not None
    sys.modules["charlm"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["charlm"])


if __name__ == "__main__":
    begin()
