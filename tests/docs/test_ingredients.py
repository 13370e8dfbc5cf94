"""The table of ingredients shows what was measured."""

from tests.bench.ingredients import TRIALS
from tests.docs.ingredients_section import COMPARED, compared, entry, rows, setting


def trial(nats, steps):
    return {"steps": steps, "parameters": 1000, "train_nats_per_char": 1.5, "val_nats_per_char": nats}


def test_a_change_is_counted_from_the_trial_that_is_compared():
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


def test_a_setting_is_flags_or_words():
    assert setting("weight-drop") == "`--weight-drop 0.1`"
    assert setting("two layers, residual") == "`--layers 2 --hidden 176 --residual`"
    assert "`--" not in setting("Xavier inputs") + setting("Xavier W_hh")
    assert all(setting(name) for name in TRIALS if name != "plain")


def test_there_is_a_row_for_every_trial_in_its_order():
    shown = rows({"one": {"plain": trial(1.6, 1800)}, "other": {}})
    assert [row[0] for row in shown] == list(TRIALS)
    assert shown[0][2:] == ["–", "1.600", "–", "1,800", "–", "–", "–"]


def test_every_compared_trial_is_a_trial():
    assert {*COMPARED, *COMPARED.values()} <= set(TRIALS)
    assert compared("plain") is None
