"""The README's table of presets is what the presets are."""

import pytest

from charlm.config import flag
from charlm.training.presets import PRESETS
from tests.docs.section import README


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_s_row_in_the_readme_says_what_it_sets(name):
    preset = PRESETS[name]
    flags = " ".join(f"{flag(setting)} {value}" for setting, value in preset.fixed.items())
    row = f"| `{name}` | {preset.minutes:g} | `{flags}` |"
    assert row in README.read_text(encoding="utf-8").splitlines()
