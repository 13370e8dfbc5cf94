"""Tests of the recurrent products."""

import numpy as np
import pytest

from charlm.base.arrays import empty_steps
from charlm.nn import products


@pytest.mark.parametrize(
    ("batch_size", "inner", "outputs"),
    [(1, 300, 4000), (7, 300, 1200), (32, 200, 800), (31, 211, 844), (62, 2050, 16)],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("has_small_kernels", [True, False])
def test_a_product_in_blocks_is_the_product_whatever_the_memory_order(
    batch_size: int,
    inner: int,
    outputs: int,
    dtype: str,
    has_small_kernels: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(products, "has_small_kernels", lambda: has_small_kernels)
    monkeypatch.setattr(products, "count_blocks", products.count_blocks.__wrapped__)
    rng = np.random.default_rng(0)
    x_BK, W_KM = rng.standard_normal((batch_size, inner)), rng.standard_normal((inner, outputs))
    innermost_BK, innermost_KM = (empty_steps(*values.shape, dtype=dtype) for values in (x_BK, W_KM))
    innermost_BK[:], innermost_KM[:] = x_BK, W_KM
    inside_BM = empty_steps(batch_size, 3 * outputs, dtype=dtype)[:, outputs : 2 * outputs]
    for x, W, out in (
        (innermost_BK, innermost_KM, inside_BM),
        (innermost_BK, W_KM.astype(dtype), empty_steps(batch_size, outputs, dtype=dtype)),
        (x_BK.astype(dtype), W_KM.astype(dtype), np.empty((batch_size, outputs), dtype)),
    ):
        out[:] = np.nan
        assert products.multiply_step(x, W, out=out) is out
        np.testing.assert_allclose(out, x_BK @ W_KM, atol=1e-3 if dtype == "float32" else 1e-10)


def test_blocks_are_equal_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "has_small_kernels", lambda: True)
    for columns, inner, outputs in ((25, 128, 512), (32, 512, 2048), (17, 333, 1332), (64, 2048, 300)):
        blocks, parts = products.count_blocks.__wrapped__(columns, inner, outputs)
        assert blocks > 1 and outputs % blocks == 0 and columns % parts == 0
        assert outputs * inner * columns <= products.SMALL_PRODUCT * blocks * parts


def test_a_small_product_is_not_split_and_costs_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(products, "count_blocks", lambda *sizes: asked.append(sizes) or (1, 1))
    for inner in (500, 501):  # 2 x 1000 x 500 is the limit
        x_BK, W_KM = np.ones((2, inner)), np.ones((inner, 1000))
        assert (products.multiply_step(x_BK, W_KM, out=np.empty((2, 1000))) == inner).all()
    assert asked == [(2, 501, 1000)]
