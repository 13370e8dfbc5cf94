"""Recurrent layers as their equations, for cells and residual connections that torch.nn lacks.

Exported scripts quote the class, so it has no annotations.
"""

import torch
from torch import nn


class Unrolled(nn.Module):
    """Recurrent layers, called like torch.nn.LSTM, with parameters of the same names."""

    def __init__(self, shapes, step, residual):
        super().__init__()
        self.step, self.residual = step, residual
        self.names = {name.rpartition("_l")[0] for name in shapes}
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))

    def forward(self, x, state):
        """The outputs (T, B, H) for x (T, B, E), and the state after: h, or h and c, each (L, B, H)."""
        after = []
        for layer, own in enumerate(zip(*(state if isinstance(state, tuple) else (state,)), strict=True)):
            w = {name: getattr(self, f"{name}_l{layer}") for name in self.names}
            outputs = []
            for a in x @ w["weight_ih"].T + w["bias_ih"]:
                own = self.step(w, a, *own)
                outputs.append(own[0])
            x = torch.stack(outputs) + (x if self.residual and layer > 0 else 0)
            after.append(own)
        variables = tuple(torch.stack(each) for each in zip(*after, strict=True))
        return x, variables if len(variables) > 1 else variables[0]
