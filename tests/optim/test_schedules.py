"""Schedules: factors that start at one, never rise, and end where they should."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.config import OptimizerConfig
from charlm.optim.schedules import SCHEDULES, lr_factor_at

PROGRESS = st.floats(0, 1)
EVERY = pytest.mark.parametrize("schedule", SCHEDULES)


@EVERY
def test_it_starts_at_the_peak(schedule):
    assert SCHEDULES[schedule](0.0) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    ("schedule", "end"), [("constant", 1), ("step", 10**-1.5), ("cosine", 0.01), ("linear", 0.01)]
)
def test_it_ends_where_it_says(schedule, end):
    assert SCHEDULES[schedule](1.0) == pytest.approx(end)


@EVERY
@given(earlier=PROGRESS, later=PROGRESS)
def test_it_never_rises_and_never_reaches_zero(schedule, earlier, later):
    earlier, later = sorted((earlier, later))
    assert 1 + 1e-15 >= SCHEDULES[schedule](earlier) >= SCHEDULES[schedule](later) - 1e-15 > 0


@pytest.mark.parametrize(
    ("progress", "share"), [(0.2499, 1), (0.25, 10**-0.5), (0.5, 0.1), (0.75, 10**-1.5), (0.999, 10**-1.5)]
)
def test_step_drops_at_each_quarter(progress, share):
    assert SCHEDULES["step"](progress) == pytest.approx(share)


def test_half_way_cosine_and_linear_are_half_way():
    assert SCHEDULES["cosine"](0.5) == SCHEDULES["linear"](0.5) == pytest.approx(0.505)
    assert SCHEDULES["cosine"](1 / 3) == pytest.approx(0.01 + 0.99 * 0.75)


@EVERY
@given(progress=PROGRESS, step=st.integers(1, 50), warmup=st.integers(1, 40))
def test_warm_up_rises_in_a_straight_line_over_its_steps(schedule, progress, step, warmup):
    whole = SCHEDULES[schedule](progress)
    assert lr_factor_at(schedule, progress, step, warmup) == pytest.approx(whole * min(1, step / warmup))
    assert lr_factor_at(schedule, progress, step, 0) == whole


@EVERY
@given(beyond=st.floats(-10, 10))
def test_progress_beyond_its_bounds_counts_as_the_bound(schedule, beyond):
    inside = min(max(beyond, 0.0), 1.0)
    share = lr_factor_at(schedule, beyond, step_number=1, warmup=0)
    assert share == SCHEDULES[schedule](inside) and math.isfinite(share)


def test_the_schedules_are_those_of_the_setting():
    limits = OptimizerConfig.__dataclass_fields__["schedule"].metadata["limits"]
    assert set(limits.choices()) == set(SCHEDULES)
