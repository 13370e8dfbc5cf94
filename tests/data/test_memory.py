"""What a large corpus costs in memory: a few blocks, whatever its size."""

import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTES = 64

MEASURE = """
import sys, threading, time
from pathlib import Path
from charlm.config import TrainingConfig
from charlm.data.corpus import prepare_corpus
from charlm.data.reading.sources import find_source
from charlm.data.windows import BATCHERS
import numpy as np

def anonymous():
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024

peak, stop = 0, threading.Event()

def watch():
    global peak
    while not stop.wait(0.002):
        peak = max(peak, anonymous())

before = anonymous()
watcher = threading.Thread(target=watch)
watcher.start()
corpus = prepare_corpus(find_source([sys.argv[1]], ""), TrainingConfig())
for partition in BATCHERS.values():
    batches = partition(corpus.train.ids, 64, 64, corpus.table).epoch(np.random.default_rng(0))
    for _ in range(20):
        next(batches)
stop.set()
watcher.join()
print(len(corpus.train) + len(corpus.validation), peak - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell RssAnon")
def test_preparing_and_reading_batches_keep_no_more_than_some_blocks_in_memory(tmp_path):
    line = "Fünf Wörter, и русские, 漢字 too, and a long tail of plain letters to make it bytes.\n"
    piece = line * 10_000
    copies = MEGABYTES * 1_000_000 // len(piece.encode()) + 1
    with (tmp_path / "large.txt").open("wb") as file:
        for _ in range(copies):
            file.write(piece.encode())
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.txt")]
    characters, peak = map(int, subprocess.run(command, capture_output=True, check=True).stdout.split())
    assert characters == copies * len(piece)
    assert peak < 60_000_000
