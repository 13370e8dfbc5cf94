"""The README's table of speed is what was measured."""

import json

from tests.docs.speed_section import MEASURED, SECTION, entry, rendered


def test_the_table_in_the_readme_is_the_measured_one():
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert SECTION.current() == rendered(measured), (
        "README.md's table is stale: run python -m tests.docs.speed_section"
    )
    assert all(found["rounds"] >= 9 for found in measured["results"])


def test_an_entry_says_both_rates_and_their_ratio():
    found = {"chars_per_second": {"charlm": 21_400.0, "torch": 9_510.0}, "ratio": 2.2503}
    assert entry(found) == "21k / 9.5k = **2.25**"
