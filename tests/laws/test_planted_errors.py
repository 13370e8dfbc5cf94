"""The gradient check rejects cells with a typical error planted in their source."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

TOLERANCE = 1e-6
NOTICED = 1e-3  # what a planted error is off by, at least
CASE = {"steps": 5, "batch_size": 3, "hidden": 6, "with_carry": True}

IN_ITS_FILE = [
    ("mingru", "k_TBH *= own_dh_TBH\n", "k_TBH *= dh_TBH[block]\n"),  # without what comes from later steps
    ("mingru", "np.subtract(1, k_TBH, out=candidate_TBH)", "candidate_TBH[:] = k_TBH"),  # z and 1 - z confused
    ("mingru", "h.states_before(block)", "h.slots_TBH[:-1][block]"),  # the state that carry sets to zero
    ("mingru", "h.mask_gradient(t, dh_BH)", "pass"),
    ("mingru", "dh_BH[:] = dstate[0]", "dh_BH[:] = 0"),
    ("mlstm", "dh_BH[:], dc_BH[:] = dstate", "dh_BH[:] = dstate[0]; dc_BH[:] = 0"),
    ("mlstm", "        dq_TBH[t] *= dm_BH\n", "        dq_TBH[t] = dm_BH\n"),  # h's factor as if x's were one
    ("mlstm", "        dfactor_TBH[t] *= dm_BH\n", "        dfactor_TBH[t] = dm_BH\n"),
    ("mlstm", "cache.all_rows(cache.saved[\"m\"][:seq_len]).T", "cache.rows_before().T"),  # the LSTM's gradient
    ("mlstm", "                c.mask_gradient(t, dc_BH)\n", ""),
    ("lnlstm", "tanh_s += params[\"bias_c\"]", "tanh_s += 0"),
    ("lnlstm", "da_TBG[t] = norms[\"x\"].differentiate(t, da_TBG[t])", "pass"),
    ("lnlstm", "total_BX[:] = 0", "total_BX[:] = 1"),
    ("lnlstm", "dc_BH += norms[\"c\"].differentiate(t, ds_BH)", "dc_BH += ds_BH"),
    ("lnlstm", "norms[\"h\"].differentiate(t, da_BG)), W_GH", "da_BG), W_GH"),
]  # fmt: skip
IN_LAYER_NORM = [
    ("n_BX += mean_B[:, None]", "pass"),  # the mean as a constant
    ("n_BX *= mean_product_B[:, None]", "n_BX *= 0"),  # the deviation as a constant
    ("n_BX *= self._inverse_TB1[t]\n", "pass\n"),
    ("self._dgain_BX += product_BX", "self._dgain_BX += dy_BX"),
]
PLANTED = [(cell, f"charlm.nn.cells.{cell}", *change) for cell, *change in IN_ITS_FILE]
PLANTED += [("lnlstm", "charlm.nn.layer_norm", *change) for change in IN_LAYER_NORM]


def plant(monkeypatch, name, old="", new=""):
    """Run the module from its source with one passage changed."""
    source = Path(import_module(name).__file__).read_text(encoding="utf-8")
    assert not old or source.count(old) == 1, f"{name} no longer has one {old!r}"
    module = ModuleType(name)
    exec(compile(source.replace(old, new) if old else source, name, "exec"), vars(module))
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize(("cell", "module", "old", "new"), PLANTED, ids=[old.strip() for *_, old, _ in PLANTED])
def test_a_planted_error_is_caught(gradients, cell, module, old, new, monkeypatch):
    assert max(gradients.cell({"cell": cell}, **CASE).values()) <= TOLERANCE
    plant(monkeypatch, module, old, new)
    if module != f"charlm.nn.cells.{cell}":
        plant(monkeypatch, f"charlm.nn.cells.{cell}")
    worst = max(gradients.cell({"cell": cell}, **CASE).values(), key=lambda error: (np.isnan(error), error))
    assert not worst <= NOTICED


@pytest.mark.parametrize("cell", ["mingru", "mlstm", "lnlstm"])
def test_a_source_without_an_error_passes(gradients, cell, monkeypatch):
    plant(monkeypatch, "charlm.nn.layer_norm")  # with the epsilon that it is used with
    plant(monkeypatch, f"charlm.nn.cells.{cell}")
    assert max(gradients.cell({"cell": cell}, **CASE).values()) <= TOLERANCE
