"""The README's table of ingredients is what was measured."""

import json

from tests.bench.ingredients import RESULTS, TRIALS
from tests.docs.ingredients_section import BESIDE, SECTION, beside, entry, rendered, setting


def trial(nats, steps):
    return {"steps": steps, "parameters": 1000, "train_nats_per_char": 1.5, "val_nats_per_char": nats}


def test_the_table_in_the_readme_is_the_measured_one():
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert SECTION.current() == rendered(measured), (
        "README.md's table is stale: run python -m tests.docs.ingredients_section"
    )


def test_a_change_is_counted_from_the_trial_beside():
    found = {
        "plain": trial(1.6, 1800), "gru": trial(1.5754, 2100), "two layers": trial(1.7, 1500),
        "two layers, residual": trial(1.72, 1499),
    }  # fmt: skip
    assert entry(found, "plain") == ["1.600", "–", "1,800"]
    assert entry(found, "gru") == ["1.575", "-0.025", "2,100"]
    assert entry(found, "two layers, residual") == ["1.720", "+0.020", "1,499"]


def test_what_was_not_measured_is_a_dash():
    found = {"gru": trial(1.5, 2100), "tied embedding": trial(1.9, 900)}
    assert entry(found, "lnlstm") == entry(found, "plain") == ["–"] * 3
    assert entry(found, "gru") == ["1.500", "–", "2,100"]
    assert entry(found, "tied embedding") == ["1.900", "–", "900"]


def test_what_was_set_is_flags_or_words():
    assert setting("weight-drop") == "`--weight-drop 0.1`"
    assert setting("two layers, residual") == "`--layers 2 --hidden 176 --residual`"
    assert "`--" not in setting("Xavier inputs") + setting("Xavier W_hh")
    assert all(setting(name) for name in TRIALS if name != "plain")


def test_a_row_stands_for_every_trial_in_its_order():
    rows = rendered({"one": {"plain": trial(1.6, 1800)}, "other": {}}).splitlines()
    header = rows.index("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows[header + 1 :][: len(TRIALS)]] == list(TRIALS)
    assert rows[header + 1].endswith("| – | 1.600 | – | 1,800 | – | – | – |")


def test_every_trial_beside_is_a_trial():
    assert {*BESIDE, *BESIDE.values()} <= set(TRIALS)
    assert beside("plain") is None
