"""A member of a registry in a file of a test's own, and the command line of a process that has it."""

import subprocess
import sys


def make_dropped(package, folder):
    """A program's first line, which finds the files of a folder as if they lay in the package."""
    return f"import {package} as package; package.__path__.append({str(folder)!r})\n"


def make_command_line(dropped, folder):
    """A function that runs the command line in a folder with a text, in a process that has the files."""
    (folder / "text.txt").write_text("to be or not to be, that is the question\n" * 40)

    def run(*arguments):
        program = dropped + "from charlm.cli.app import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=folder, capture_output=True, encoding="utf-8"
        )

    return run
