"""Times the start of commands, in units of ``import numpy``: help, and a first character.

Each round runs every command once, so that other work slows all of them alike; medians of the rounds.

    python -m tests.bench.starts [--rounds 9]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = [sys.executable, "-m", "charlm"]
COMMANDS = (
    "--help", "train --help", "sweep --help", "sample --help", "eval --help", "eval perplexity --help",
    "fill --help", "bench --help", "info --help", "sample --len 1",
)  # fmt: skip
TEXT = "To be, or not to be, that is the question.\n" * 200
RUN = "train text.txt --steps 1 --hidden 256 -q"


def time_once(command, folder):
    """The seconds of a process."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main():
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    lines = {"import numpy": [sys.executable, "-c", "import numpy"]}
    lines |= {f"charlm {line}": [*PROGRAM, *line.split()] for line in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "text.txt").write_text(TEXT)
        subprocess.run([*PROGRAM, *RUN.split()], cwd=folder, check=True, capture_output=True)
        taken = {name: [] for name in lines}
        for _ in range(rounds + 1):  # the first one fills the caches
            for name, line in lines.items():
                taken[name].append(time_once(line, folder))
    medians = {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}
    unit = medians["import numpy"]
    print("| command | ms | times import numpy |\n| --- | --- | --- |")
    for name, seconds in medians.items():
        print(f"| `{name}` | {1000 * seconds:.0f} | {seconds / unit:.2f} |")


if __name__ == "__main__":
    main()
