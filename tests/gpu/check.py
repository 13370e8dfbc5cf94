"""What only a GPU can show: parity, exactness, warnings, full memory, NCCL, resuming, and speed as JSON.

Called by run.sh. Without a GPU all checks are skipped, with the reason. ``--device cpu`` rehearses them on a CPU,
small and without what a CPU does not have. It needs no network, and no pooch, plotext or platformdirs.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from charlm.base.errors import CharlmError
from charlm.config import EngineConfig, ModelConfig, OptimizerConfig
from charlm.data.batches import Batch
from charlm.engines.devices import check_device
from charlm.engines.numpy.engine import NumpyEngine
from charlm.models.char_rnn import Model
from charlm.runs.run import Run
from tests.bench.restarts import measure_restarts

SYMBOLS = 65
DEVICE = "cuda"  # or cpu, for a rehearsal
CELLS = {
    "lstm": {},
    "rnn": {},
    "gru": {},
    "reset-after": {"reset_after": True},
    "mlstm": {},
    "lnlstm": {},
    "mingru": {},
}
BOUNDS = {"float32": 1e-3, "tf32": 3e-2, "bfloat16": 1e-1}  # of the loss of a target, after 20 steps


def make_model(cell, hidden=64, layers=1):
    kind = "gru" if cell == "reset-after" else cell
    model = Model(ModelConfig(cell=kind, hidden=hidden, layers=layers, **CELLS[cell]), SYMBOLS)
    model.initialize(np.random.default_rng(0))
    return model


def make_batch(seed, steps=64, size=64, document=0):
    rng = np.random.default_rng(seed)
    x_TB, y_TB = rng.integers(0, SYMBOLS, (2, steps, size)).astype(np.uint8)
    fields = {"x_TB": x_TB, "y_TB": y_TB}
    if document:
        fields["carry_TB"] = rng.random(x_TB.shape) >= 1 / document
    return Batch(fields, x_TB.size, seed == 0)


def make_engine(model, precision="float32", size=64, **optimizer):
    from charlm.engines.torch.engine import TorchEngine

    settings = OptimizerConfig(**{"dropout": 0.0} | optimizer)
    return TorchEngine(model, settings, size, EngineConfig(engine="torch", device=DEVICE, precision=precision))


def sized(value, rehearsal):
    """A value on a GPU, and a smaller one in a rehearsal."""
    return value if DEVICE == "cuda" else rehearsal


def go(engine, steps, first=0, **batch):
    """Losses of a target in steps of Adam."""
    losses = []
    for t in range(first, first + steps):
        given = make_batch(t, **batch)
        losses.append(engine.step(given, np.random.default_rng(t)) / given.num_targets)
        engine.clip(0.0, 1.0)
        engine.update(3e-3, t + 1)
    return losses


def check_trajectories():
    found, steps = {}, sized(20, 2)
    for cell in CELLS:
        for document in (0, 7):
            numpy = NumpyEngine(make_model(cell), OptimizerConfig(dropout=0.0), 64, 64, 2)
            whole = go(numpy, steps, document=document)
            numpy.close()
            for precision, bound in BOUNDS.items():
                own = go(make_engine(make_model(cell), precision), steps, document=document)
                gap = float(np.abs(np.subtract(own, whole)).max())
                found[f"{cell} {precision} document {document}"] = gap
                assert gap < bound, f"{cell} in {precision} is {gap} from NumPy"
    if DEVICE == "cuda":
        assert found["lstm tf32 document 0"] > found["lstm float32 document 0"], "float32 is as inexact as TF32"
    return found


def check_bits():
    settings = {"dropout": 0.3, "weight_drop": 0.2, "input_dropout": 0.1, "average": 5}
    half = sized(6, 2)
    for cell in CELLS:
        drops = settings if cell != "mingru" else {**settings, "weight_drop": 0.0}
        whole, cut = (make_engine(make_model(cell, layers=2), **drops) for _ in range(2))
        go(whole, 2 * half, document=9)
        go(cut, half, document=9)
        snapshot = cut.snapshot()
        other = make_engine(make_model(cell, layers=2), **drops)
        other.restore(snapshot)
        go(other, half, first=half, document=9)
        assert np.array_equal(other.snapshot().weights_P, whole.snapshot().weights_P), cell
    return "bits equal"


def check_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(make_engine(make_model("lstm", layers=2), weight_drop=0.2, dropout=0.2), 3)
    return "no warning with weight-drop"


def check_full_memory():
    if DEVICE == "cpu":
        return "not on a CPU"
    engine = make_engine(make_model("lstm", 4096), size=8192)
    try:
        engine.step(make_batch(0, 1024, 8192), np.random.default_rng(0))
    except MemoryError as error:
        return error.__notes__[0]
    raise AssertionError("memory did not run out")


def check_nccl():
    import torch

    from charlm.engines.torch.ranks import TorchRanks

    os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29455"}
    ranks = TorchRanks(60)
    values = torch.arange(4.0, device=DEVICE)
    ranks.sum_(values)
    ranks.close()
    assert values.tolist() == [0, 1, 2, 3]
    return "one rank"


def synchronize():
    import torch

    if DEVICE == "cuda":
        torch.cuda.synchronize()


def speed(engine, seconds=3.0, **batch):
    """Characters a second, over at least this time."""
    batches, seconds = [make_batch(number, **batch) for number in range(4)], sized(seconds, 0.0)
    done = began = 0.0
    for t in range(10**6):
        if t == 5:
            synchronize()
            began, done = time.perf_counter(), 0.0
        if t > 5 and time.perf_counter() - began > seconds:
            break
        given = batches[t % 4]
        engine.step(given, np.random.default_rng(t))
        engine.clip(0.0, 1.0)
        engine.update(1e-3, t + 1)
        done += given.num_targets
    return done / (time.perf_counter() - began)


def plain_speed(kind, hidden, layers, size, seconds=3.0, steps=64):
    """The same of plain PyTorch: one-hot input, nn.LSTM or nn.GRU, nn.Linear, fused Adam."""
    import torch
    from torch import nn

    recurrent = getattr(nn, kind)(SYMBOLS, hidden, layers).to(DEVICE)
    readout = nn.Linear(hidden, SYMBOLS).to(DEVICE)
    parameters = [*recurrent.parameters(), *readout.parameters()]
    adam, state = torch.optim.Adam(parameters, fused=True), None
    ids = torch.randint(0, SYMBOLS, (steps + 1, size), device=DEVICE)
    seconds = sized(seconds, 0.01)
    count, began = 0, 0.0
    while not began or time.perf_counter() - began < seconds:
        if count == 5:
            synchronize()
            began = time.perf_counter()
        h, state = recurrent(nn.functional.one_hot(ids[:-1], SYMBOLS).float(), state)
        state = tuple(each.detach() for each in state) if isinstance(state, tuple) else state.detach()
        loss = nn.functional.cross_entropy(readout(h).flatten(0, 1), ids[1:].flatten())
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        loss.item()
        count += 1
    return (count - 5) * steps * size / (time.perf_counter() - began)


def check_resuming():
    """The commands: a cut run has the bits of a whole one, NumPy goes on with it, and figures are the same."""
    device, workers = f"--engine torch --device {DEVICE}", sized("", "--workers 1")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHARLM_CACHE_DIR"] = folder

        def call(command):
            words = [sys.executable, "-m", "charlm", *shlex.split(command)]
            done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)
            assert done.returncode == 0, f"{command}: {done.stderr[-300:]}"
            return done.stdout

        settings = f"--hidden 64 --layers 2 --seed 1 --schedule constant --weight-drop 0.1 --quiet {workers}"
        call(f"train --out whole --steps 24 {settings} {device}")
        call(f"train --out cut --steps 12 {settings} {device}")
        call("train --resume cut --steps 24 --quiet")
        whole, cut = (Run.open(Path(folder, name)).load_model("last").params.flat for name in ("whole", "cut"))
        assert np.array_equal(whole, cut), "a resumed run has other bits"
        figures = [json.loads(call(f"eval perplexity cut --json {more}")) for more in (device, "")]
        gap = abs(figures[0]["nats_per_char"] - figures[1]["nats_per_char"])
        assert gap < 1e-6, f"the loss is {gap} from NumPy's"
        call("train --resume cut --steps 26 --quiet --engine numpy")
        call(f"train --resume cut --steps 28 --quiet {device}")
        minutes = sized(1.0, 0.02)
        summary = json.loads(
            call(f"train --out timed --minutes {minutes} --json {device} {workers}").strip().splitlines()[-1]
        )
        return {"loss": gap, "minutes": minutes, "validation_share": summary["validation_share"]}


def measure():
    found = {}
    for hidden, layers, size in sized(((512, 1, 64), (1024, 2, 256)), ((16, 1, 64),)):
        own = speed(make_engine(make_model("lstm", hidden, layers), size=size), size=size)
        plain = plain_speed("LSTM", hidden, layers, size)
        found[f"lstm H{hidden} L{layers} B{size}"] = {
            "chars_per_second": own,
            "plain": plain,
            "ratio": own / plain,
        }
    first = next(iter(found.values()))
    without, hidden = first["chars_per_second"], sized(512, 16)
    found["weight-drop 0.1"] = speed(make_engine(make_model("lstm", hidden), weight_drop=0.1)) / without
    found["documents of 7"] = speed(make_engine(make_model("lstm", hidden)), document=7) / without
    for hidden in sized((512, 2048), (16,)):
        default, after = (speed(make_engine(make_model(cell, hidden))) for cell in ("gru", "reset-after"))
        found[f"default gru / reset-after H{hidden}"] = default / after
    wide = sized(2048, 16)
    both = [speed(make_engine(make_model("lstm", wide), precision)) for precision in ("bfloat16", "float32")]
    found["bfloat16 / float32 H2048"] = both[0] / both[1]
    numpy = NumpyEngine(make_model("lstm", sized(512, 16)), OptimizerConfig(dropout=0.0), 64, 64, 2)
    began = time.perf_counter()
    go(numpy, 10)
    found["GPU / NumPy on two workers H512"] = without / (10 * 64 * 64 / (time.perf_counter() - began))
    numpy.close()
    return found


def measure_packing():
    """What PACKED_SHARE of ``charlm/engines/torch/resets.py`` should be on this device."""
    return measure_restarts(DEVICE, sized((512,), (16,)), sized(3, 1))


CHECKS = (
    check_trajectories, check_bits, check_warnings, check_full_memory, check_nccl, check_resuming, measure,
    measure_packing,
)  # fmt: skip


def main():
    global DEVICE
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", choices=("cuda", "cpu"), default=DEVICE)
    options = parser.parse_args()
    DEVICE = options.device
    try:
        check_device(EngineConfig(engine="torch", device=DEVICE))
    except CharlmError as error:
        print(f"skipped, nothing was run: {error}")
        return
    import torch

    card = torch.cuda.get_device_name() if DEVICE == "cuda" else "none: a rehearsal on a CPU"
    found = {"card": card, "torch": torch.__version__}
    for check in CHECKS:
        began = time.perf_counter()
        try:
            found[check.__name__] = check()
        except (AssertionError, CharlmError, RuntimeError, MemoryError) as error:
            found[check.__name__] = f"FAILED: {error!r:.300}"
        print(
            f"{check.__name__} {time.perf_counter() - began:.0f} s: {json.dumps(found[check.__name__])}",
            flush=True,
        )
        if DEVICE == "cuda":
            torch.cuda.empty_cache()
        (options.folder / "gpu.json").write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(any("FAILED" in str(value) for value in found.values()))


if __name__ == "__main__":
    main()
