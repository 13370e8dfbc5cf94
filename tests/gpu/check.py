"""What only a GPU can show: parity, exactness, warnings, full memory, NCCL, and speed as JSON.

Called by run.sh. Without a GPU all checks are skipped, with the reason. It imports nothing that needs
a network or a terminal: no pooch, plotext or platformdirs.
"""

from __future__ import annotations

import json
import os
import sys
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

SYMBOLS = 65
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
    return TorchEngine(model, settings, size, EngineConfig(engine="torch", device="cuda", precision=precision))


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
    found = {}
    for cell in CELLS:
        for document in (0, 7):
            numpy = NumpyEngine(make_model(cell), OptimizerConfig(dropout=0.0), 64, 64, 2)
            whole = go(numpy, 20, document=document)
            numpy.close()
            for precision, bound in BOUNDS.items():
                own = go(make_engine(make_model(cell), precision), 20, document=document)
                gap = float(np.abs(np.subtract(own, whole)).max())
                found[f"{cell} {precision} document {document}"] = gap
                assert gap < bound, f"{cell} in {precision} is {gap} from NumPy"
    assert found["lstm tf32 document 0"] > found["lstm float32 document 0"], "float32 is as inexact as TF32"
    return found


def check_bits():
    settings = {"dropout": 0.3, "weight_drop": 0.2, "input_dropout": 0.1, "average": 5}
    for cell in CELLS:
        drops = settings if cell != "mingru" else {**settings, "weight_drop": 0.0}
        whole, cut = (make_engine(make_model(cell, layers=2), **drops) for _ in range(2))
        go(whole, 12, document=9)
        go(cut, 6, document=9)
        snapshot = cut.snapshot()
        other = make_engine(make_model(cell, layers=2), **drops)
        other.restore(snapshot)
        go(other, 6, first=6, document=9)
        assert np.array_equal(other.snapshot().weights_P, whole.snapshot().weights_P), cell
    return "bits equal"


def check_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(make_engine(make_model("lstm", layers=2), weight_drop=0.2, dropout=0.2), 3)
    return "no warning with weight-drop"


def check_full_memory():
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
    values = torch.arange(4.0, device="cuda")
    ranks.sum_(values)
    ranks.close()
    assert values.tolist() == [0, 1, 2, 3]
    return "one rank"


def speed(engine, seconds=3.0, **batch):
    """Characters a second, over at least this time."""
    import torch

    batches = [make_batch(number, **batch) for number in range(4)]
    done = began = 0.0
    for t in range(10**6):
        if t == 5:
            torch.cuda.synchronize()
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

    recurrent = getattr(nn, kind)(SYMBOLS, hidden, layers).cuda()
    readout = nn.Linear(hidden, SYMBOLS).cuda()
    parameters = [*recurrent.parameters(), *readout.parameters()]
    adam, state = torch.optim.Adam(parameters, fused=True), None
    ids = torch.randint(0, SYMBOLS, (steps + 1, size), device="cuda")
    count, began = 0, 0.0
    while not began or time.perf_counter() - began < seconds:
        if count == 5:
            torch.cuda.synchronize()
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


def measure():
    found = {}
    for hidden, layers, size in ((512, 1, 64), (1024, 2, 256)):
        own, plain = speed(make_engine(make_model("lstm", hidden, layers), size=size), size=size), None
        plain = plain_speed("LSTM", hidden, layers, size)
        found[f"lstm H{hidden} L{layers} B{size}"] = {
            "chars_per_second": own,
            "plain": plain,
            "ratio": own / plain,
        }
    without = found["lstm H512 L1 B64"]["chars_per_second"]
    found["weight-drop 0.1"] = speed(make_engine(make_model("lstm", 512), weight_drop=0.1)) / without
    found["documents of 7"] = speed(make_engine(make_model("lstm", 512)), document=7) / without
    for hidden in (512, 2048):
        default, after = (speed(make_engine(make_model(cell, hidden))) for cell in ("gru", "reset-after"))
        found[f"default gru / reset-after H{hidden}"] = default / after
    both = [speed(make_engine(make_model("lstm", 2048), precision)) for precision in ("bfloat16", "float32")]
    found["bfloat16 / float32 H2048"] = both[0] / both[1]
    numpy = NumpyEngine(make_model("lstm", 512), OptimizerConfig(dropout=0.0), 64, 64, 2)
    began = time.perf_counter()
    go(numpy, 10)
    found["GPU / NumPy on two workers H512"] = without / (10 * 64 * 64 / (time.perf_counter() - began))
    numpy.close()
    return found


CHECKS = (check_trajectories, check_bits, check_warnings, check_full_memory, check_nccl, measure)


def main():
    folder = Path(sys.argv[1])
    try:
        check_device(EngineConfig(engine="torch", device="cuda"))
    except CharlmError as error:
        print(f"skipped, nothing was run: {error}")
        return
    import torch

    found = {"card": torch.cuda.get_device_name(), "torch": torch.__version__}
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
        torch.cuda.empty_cache()
        (folder / "gpu.json").write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(any("FAILED" in str(value) for value in found.values()))


if __name__ == "__main__":
    main()
