"""Train for an hour with a save every five seconds, and see that nothing grows.

    python tests/torture/soak.py --minutes 60

The run is a process of its own, with workers; every ten seconds the memory, the open files and the threads of all
of them and the machine's shared-memory segments are counted (in /proc and /dev/shm, so on Linux alone). After a
warm-up, the first tenth of the time, memory may grow by 2% and the rest by nothing.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GROWTH = 0.02  # of resident memory
EVERY = 10.0  # seconds between two looks
ROWS = 12  # of the table
COLUMNS = {"minutes": ".1f", "RSS in MB": ".1f", "files": "d", "threads": "d", "processes": "d", "segments": "d"}


def family(pid):
    """A process, its children and theirs."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def resident_bytes(pid):
    """A process's resident memory, what it shares with others included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def entries(folder):
    """How many entries a folder has."""
    return sum(1 for _ in Path(folder).iterdir())


def look(pid, minutes):
    """One row of the table."""
    pids = family(pid)
    return (
        minutes,
        sum(map(resident_bytes, pids)) / 1e6,
        sum(entries(f"/proc/{each}/fd") for each in pids),
        sum(entries(f"/proc/{each}/task") for each in pids),
        len(pids),
        entries("/dev/shm"),
    )


def soak(process, minutes):
    """Look at a training again and again until the time is over."""
    rows, began = [], time.monotonic()
    while (spent := time.monotonic() - began) < 60 * minutes:
        time.sleep(min(EVERY, 60 * minutes - spent))
        if process.poll() is not None:
            sys.exit(f"training ended by itself, with exit code {process.returncode}")
        rows.append(look(process.pid, (time.monotonic() - began) / 60))
    return rows


def verdict(rows, minutes):
    """What grew, as one line; an empty one where nothing did."""
    settled = [row for row in rows if row[0] > minutes / 10]
    # A look may meet a save, which has its buffers and a file open: medians of the first and the last quarter.
    quarter = max(1, len(settled) // 4)
    faults = []
    for place, name in enumerate(COLUMNS):
        first, last = (
            statistics.median(row[place] for row in part) for part in (settled[:quarter], settled[-quarter:])
        )
        allowed = first * (1 + GROWTH) if name == "RSS in MB" else first
        if place and last > allowed:
            faults.append(f"{name} grew from {first:g} to {last:g}")
    return "; ".join(faults)


def main():
    """Parse the command line, soak, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="how long")
    minutes = parser.parse_args().minutes
    settings = ["--steps", "1000000000", "--save-every", "5s", "--keep", "2", "--hidden", "128", "--workers", "2"]
    settings += ["--eval-every", "200", "--sample-every", "500", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([sys.executable, "-m", "charlm", "train", *settings], cwd=folder)
        try:
            rows = soak(process, minutes)
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
        finally:
            process.kill()
    print("".join(f"{name:>12}" for name in COLUMNS))
    for row in rows[:: max(1, len(rows) // ROWS)]:
        print("".join(f"{value:>12{form}}" for value, form in zip(row, COLUMNS.values(), strict=True)))
    faults = verdict(rows, minutes) or ("" if code == 130 else f"the exit code is {code} instead of 130")
    print(f"soak of {minutes:g} minutes: " + (faults or "memory flat within 2%, nothing else gained"))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
