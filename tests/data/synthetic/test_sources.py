"""Laws of every source of known entropy: a text costs what it says, and the same seed draws the same."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import UsageError
from charlm.data.synthetic import SOURCES
from tests.data.synthetic.drawing import draw

# Each is small enough to be known through and through, and away from its defaults.
SAMPLES = {
    "brackets": {"depth": 4, "kinds": 3, "opening": 0.35},
    "copy": {"lag": 7, "width": 3, "symbols": 5},
    "counting": {"longest": 6},
    "markov": {"order": 2, "symbols": 3, "chain_seed": 5},
    "mirror": {"width": 2, "symbols": 3, "noise": 0.2},
}
LENGTH = 60_000


@pytest.fixture(params=SOURCES.names())
def source(request):
    return SOURCES.find(request.param)(**SAMPLES.get(request.param, {}))


@pytest.fixture(scope="module")
def texts():
    """A long text of each source."""
    made = {name: SOURCES.find(name)(**settings) for name, settings in SAMPLES.items()}
    return {name: draw(source, LENGTH, np.random.default_rng(3)) for name, source in made.items()}


def plug_in_bits(outcomes):
    """The entropy of a sample's own frequencies."""
    _, counts = np.unique(outcomes, return_counts=True)
    shares = counts / counts.sum()
    return -(shares * np.log2(shares)).sum()


def test_every_source_is_known_here():
    assert set(SAMPLES) == set(SOURCES.names())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_long_text_costs_the_entropy_rate(texts, name):
    bits = texts[name].bits
    rate = SOURCES.find(name)(**SAMPLES[name]).bits_per_char
    assert bits.mean() == pytest.approx(rate, rel=0.015)


@pytest.mark.parametrize("name", ["copy", "counting", "mirror"])
def test_lines_that_are_independent_have_the_entropy_that_their_frequencies_show(texts, name):
    lines = texts[name].characters.splitlines(keepends=True)[:-1]
    shown = plug_in_bits(lines) / np.mean([len(line) for line in lines])
    assert shown == pytest.approx(SOURCES.find(name)(**SAMPLES[name]).bits_per_char, rel=0.02)


def test_the_same_seed_draws_the_same_and_another_does_not(source):
    def drawn(length, seed):
        return draw(source, length, np.random.default_rng(seed))

    longer = drawn(500, 1)
    assert drawn(200, 1).characters == longer.characters[:200]
    np.testing.assert_array_equal(drawn(200, 1).bits, longer.bits[:200])
    assert drawn(500, 2).characters != longer.characters


def test_characters_are_single_and_their_probabilities_are_such(source):
    for character, probability in islice(source.draws(np.random.default_rng(0)), 2000):
        assert len(character) == 1 and 0 < probability <= 1


@given(data=st.data())
def test_any_settings_within_their_limits_give_a_text_and_a_rate(data):
    name = data.draw(st.sampled_from(SOURCES.names()))
    kind = SOURCES.find(name)
    small = {
        "brackets": {"depth": st.integers(1, 60), "kinds": st.integers(1, 4), "opening": st.floats(0.001, 0.999)},
        "copy": {"lag": st.integers(2, 50), "width": st.integers(1, 50), "symbols": st.integers(2, 26)},
        "counting": {"longest": st.integers(1, 100)},
        "markov": {
            "order": st.integers(0, 3), "symbols": st.integers(2, 26), "concentration": st.floats(0.01, 100),
            "chain_seed": st.integers(0, 10),
        },
        "mirror": {"width": st.integers(1, 50), "symbols": st.integers(2, 26), "noise": st.floats(0, 0.99)},
    }  # fmt: skip
    settings = data.draw(st.fixed_dictionaries(small[name]))
    try:
        source = kind(**settings)
    except UsageError:
        return
    text = draw(source, 50, np.random.default_rng(data.draw(st.integers(0, 5))))
    assert len(text.characters) == len(text.bits) == 50
    assert 0 <= source.bits_per_char <= np.log2(27) and (text.bits >= 0).all()


@pytest.mark.parametrize(
    ("name", "settings", "complaint"),
    [
        ("copy", {"lag": 3, "width": 3}, r"--width 3 needs a --lag of 4 at least: it is 3"),
        ("markov", {"order": 9, "symbols": 5}, r"--symbols 5 and --order 9 make more than 1,048,576 prob"),
        ("brackets", {"opening": 1.0}, r"--opening is 1\.0: it must be less than 1"),
        ("brackets", {"depth": 0}, r"--depth is 0: it must be at least 1"),
        ("counting", {"longest": 0}, r"--longest is 0: it must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_line(name, settings, complaint):
    with pytest.raises(UsageError, match=complaint):
        SOURCES.find(name)(**settings)
