"""Make ``torch_attention.npz``: attention by PyTorch's operations and autograd, to compare charlm with.

The test suite reads it and never imports torch. To make it anew, from the root of the repository, with the
environment that ``make_torch_fixtures.py`` describes:

    PYTHONPATH=. /tmp/torch/bin/python tests/golden/make_attention_fixtures.py

For each score: queries ``SCORE/q`` [T, B, H], keys ``SCORE/k`` [S, B, D], padded in front, ``SCORE/lengths`` [B],
``SCORE/weight/NAME`` as torch.nn.Linear has them, the outputs tanh([q; c] W_c) ``SCORE/out``, the weights
``SCORE/alpha`` [B, T, S], the gradient ``SCORE/dout`` and what it becomes, ``SCORE/gradient/NAME``.
"""

from pathlib import Path

import numpy as np
import torch

T, S, B, H, D = 4, 6, 3, 3, 5
LENGTHS = (6, 1, 4)


def score_of(name, q, k, weights):
    """The scores [B, T, S] of queries [B, T, H] and keys [B, S, D]."""
    if name == "dot":
        return torch.bmm(q, k.mT)
    if name == "general":
        return torch.bmm(torch.nn.functional.linear(q, weights["W_a"]), k.mT)
    linear = torch.nn.functional.linear
    hidden = torch.tanh(linear(q, weights["W_q"])[:, :, None] + linear(k, weights["W_k"])[:, None])
    return linear(hidden, weights["v"][None])[..., 0]


def case(name):
    """The arrays of one score."""
    width = H if name == "dot" else D
    shapes = {
        "dot": {},
        "general": {"W_a": (width, H)},
        "additive": {"W_q": (H, H), "W_k": (H, width), "v": (H,)},
    }
    weights = {each: torch.randn(shape) for each, shape in {**shapes[name], "W_c": (H, H + width)}.items()}
    q, k, dout = torch.randn(T, B, H), torch.randn(S, B, width), torch.randn(T, B, H)
    leaves = {**weights, "q": q, "k": k}
    for leaf in leaves.values():
        leaf.requires_grad_()
    queries, keys = q.transpose(0, 1), k.transpose(0, 1)
    padding = torch.arange(S) < S - torch.tensor(LENGTHS)[:, None]
    scores = score_of(name, queries, keys, weights).masked_fill(padding[:, None], -torch.inf)
    alpha = torch.softmax(scores, dim=-1)
    joined = torch.cat([queries, torch.bmm(alpha, keys)], dim=-1)
    out = torch.tanh(torch.nn.functional.linear(joined, weights["W_c"])).transpose(0, 1)
    (out * dout).sum().backward()
    arrays = {"q": q, "k": k, "lengths": torch.tensor(LENGTHS), "out": out, "alpha": alpha, "dout": dout}
    arrays |= {f"weight/{each}": weight for each, weight in weights.items()}
    arrays |= {f"gradient/{each}": leaf.grad for each, leaf in leaves.items()}
    return {each: array.detach().numpy() for each, array in arrays.items()}


def main():
    """Write the file beside this one."""
    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    names = ("additive", "dot", "general")
    arrays = {f"{name}/{key}": array for name in names for key, array in case(name).items()}
    np.savez_compressed(Path(__file__).parent / "torch_attention.npz", **arrays)


if __name__ == "__main__":
    main()
