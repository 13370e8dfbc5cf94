"""Make ``torch_encoders.npz``: PyTorch's bidirectional layers over packed sequences, to compare charlm with.

The test suite reads it and never imports torch. To make it anew, from the root of the repository, with the
environment that ``make_torch_fixtures.py`` describes:

    PYTHONPATH=. /tmp/torch/bin/python tests/golden/make_encoder_fixtures.py

Each case is a two-layer bidirectional torch.nn.LSTM or GRU in double precision over one-hot symbols, packed by
their lengths: ``CASE/x`` [T, B], padded behind, ``CASE/lengths`` [B], ``CASE/weight/NAME`` and
``CASE/gradient/NAME``, the outputs ``CASE/out`` [T, B, 2H] and their gradient ``CASE/dout``. The last layer has
final states ``CASE/final/h`` [2, B, H] (and c), and their gradients ``CASE/dfinal/h``. What is differentiated is
the projection on all of these gradients.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

SYMBOLS, HIDDEN, LAYERS, LENGTHS = 5, 3, 2, (6, 1, 4)


def case(kind):
    """The arrays of one case."""
    module = kind(SYMBOLS, HIDDEN, LAYERS, bidirectional=True)
    x_TB = torch.randint(SYMBOLS, (max(LENGTHS), len(LENGTHS)))
    lengths = torch.tensor(LENGTHS)
    one_hot = torch.nn.functional.one_hot(x_TB, SYMBOLS).double()
    packed, after = module(pack_padded_sequence(one_hot, lengths, enforce_sorted=False))
    out, _ = pad_packed_sequence(packed)
    finals = after if isinstance(after, tuple) else (after,)
    own = torch.arange(max(LENGTHS))[:, None, None] < lengths[:, None]
    dout = torch.randn(out.shape) * own
    dfinals = [torch.randn(2, len(LENGTHS), HIDDEN) for _ in finals]
    loss = (out * dout).sum() + sum((each[-2:] * d).sum() for each, d in zip(finals, dfinals, strict=True))
    loss.backward()
    arrays = {"x": x_TB, "lengths": lengths, "out": out, "dout": dout}
    for name, final, dfinal in zip("hc", finals, dfinals, strict=False):
        arrays |= {f"final/{name}": final[-2:], f"dfinal/{name}": dfinal}
    for name, parameter in module.named_parameters():
        arrays |= {f"weight/encoder.{name}": parameter, f"gradient/encoder.{name}": parameter.grad}
    return {name: array.detach().numpy() for name, array in arrays.items()}


def main():
    """Write the file beside this one."""
    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    kinds = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    arrays = {f"{name}/{key}": array for name, kind in kinds.items() for key, array in case(kind).items()}
    np.savez_compressed(Path(__file__).parent / "torch_encoders.npz", **arrays)


if __name__ == "__main__":
    main()
