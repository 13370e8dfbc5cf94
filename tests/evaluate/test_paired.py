"""Differences between models on the same text: their interval, and what may be said of them."""

import numpy as np
import pytest

from charlm.evaluate import bootstrap
from charlm.evaluate.bootstrap import MeanSeries
from charlm.evaluate.groups import _doubt, _noise, _pairs
from charlm.evaluate.paired import INCLUDES_0, Difference, difference

COUNT = 4000


def series(*parts):
    made = MeanSeries(sum(map(len, parts)))
    for part in parts:
        made.take(np.asarray(part, float))
    return made


def common(rng, scale=2.0):
    """Losses that both models share, because some characters are hard for both."""
    return rng.gamma(1.0, scale, COUNT)


def test_what_both_lose_alike_does_not_widen_the_interval():
    rng = np.random.default_rng(1)
    hard = common(rng)
    ours, theirs = hard + 0.02 + 0.1 * rng.standard_normal(COUNT), hard
    gap = difference([([series(ours)], [series(theirs)])])
    assert gap.nats == pytest.approx((ours - theirs).mean()) and gap.is_clear
    assert gap.low < gap.nats < gap.high < gap.low + 0.02
    # The interval of either mean alone is ten times as wide, and would hide the difference.
    low, high, _ = series(hard).interval(None, 500, np.random.default_rng(1))
    assert high - low > 0.1


def test_the_interval_holds_the_difference_in_about_95_of_100_texts():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(60):
        noise = 0.3 * rng.standard_normal(COUNT)
        gap = difference([([series(1.0 + noise)], [series(np.ones(COUNT))])])
        assert gap.is_clear is not (gap.low <= 0 <= gap.high)
        held += not gap.is_clear
    assert held >= 52


def test_seeds_on_one_text_are_averaged_and_on_several_follow_each_other():
    rng = np.random.default_rng(3)
    ours, theirs = [[series(common(rng)) for _ in range(2)] for _ in range(2)]
    same = difference([(ours, theirs)])
    apart = difference([([one], [other]) for one, other in zip(ours, theirs, strict=True)])
    assert same.nats == pytest.approx(apart.nats)
    twice = difference([(ours * 2, theirs * 2)])
    assert (twice.low, twice.high) == pytest.approx((same.low, same.high))  # the same text tells nothing new


def test_runs_are_paired_by_text_over_the_seeds_that_both_have():
    a, b, c, d, e = (series([1.0, 2.0]) for _ in range(5))
    ours, theirs = {1: (b"x", a), 2: (b"y", b), 3: (b"x", c)}, {1: (b"x", d), 2: (b"y", e)}
    assert _pairs(ours, theirs) == [([a], [d]), ([b], [e])]


def test_long_texts_are_kept_in_blocks(monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST", 1000)
    count = 2010
    gap = difference([([series(np.full(count, 2.0))], [series(np.full(count, 1.5))])])
    assert gap.nats == pytest.approx(0.5)


def test_seeds_that_scatter_make_a_difference_unclear():
    assert _noise([1.0], [2.0]) == 0
    assert _noise([1.0, 1.2], [2.0, 2.0]) == pytest.approx(2 * np.sqrt(0.02 / 2))
    gap = Difference(0.1, low=0.05, high=0.15)
    assert _doubt(gap, [1.1], [1.0]) == "" and _doubt(Difference(0.1, -0.1, 0.3), [1.1], [1.0]) == INCLUDES_0
    assert "leaves out 0, but 0.100 is not more than 0.447, twice" in _doubt(gap, [1.0, 1.2], [0.8, 1.2])
