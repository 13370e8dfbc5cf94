"""The help of every command, rendered from the commands themselves."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout, suppress

import typer

from charlm.base.registry import module_names
from charlm.cli.app import app
from charlm.cli.commands.eval import MEASUREMENTS
from charlm.data.synthetic import SOURCES
from tests.docs.section import ROOT, Section

SECTION = Section("charlm/cli/README.md", "help")

# Everything that makes a terminal library look at where it runs.
PLAIN = {
    "COLUMNS": "80",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PYTHONUTF8": "1",
    "_TYPER_FORCE_DISABLE_TERMINAL": "1",
}
MISLEADING = {"TERMINAL_WIDTH", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE", "LINES"}


def commands():
    """Every command line whose help is shown."""
    groups = {
        "charlm": typer.main.get_command(app).list_commands(None),
        "eval": MEASUREMENTS.names(),
        "runs": module_names("charlm.cli.commands.runs"),
        "corpus": module_names("charlm.cli.commands.corpus"),
        "corpus make": SOURCES.names(),
    }
    below = [[*group.split(), name] for group, names in groups.items() for name in names]
    return [[], *([name for name in command if name != "charlm"] for command in below)]


def help_of(command):
    """One command's help as the terminal shows it: all of it, where brief help leaves some out."""
    text = shown([*command, "--help"])
    return shown([*command, "--help-all"]) if "--help-all" in text else text


def shown(line):
    """What a command line prints."""
    output = io.StringIO()
    with redirect_stdout(output), suppress(SystemExit):
        app(line, prog_name="charlm")
    return "\n".join(line.rstrip() for line in output.getvalue().strip().splitlines())


def rendered():
    """The section as it should be, marks included, from a process that knows no terminal."""
    environment = {name: value for name, value in os.environ.items() if name not in MISLEADING} | PLAIN
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.help_section"],
        cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    titled = [(" ".join(["charlm", *command]), help_of(command)) for command in commands()]
    blocks = "\n\n".join(f"## {title}\n\n```text\n{text}\n```" for title, text in titled)
    sys.stdout.write(SECTION.marked(blocks))
