"""Presets: which one is picked, what it sets, and what the user's own settings leave of it."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.base.errors import UsageError
from charlm.config import TASKS, CorpusConfig, DataConfig, RunConfig, TrainingConfig
from charlm.models.architecture import check_settings
from charlm.nn.cells import CELLS
from charlm.training.machine_speed import REFERENCE_GFLOPS
from charlm.training.presets import (
    PRESETS,
    choose_dropout,
    expected_epochs,
    pick_preset,
    preset_changes,
    preset_flags,
    resolve_settings,
)

CHARACTERS, SYMBOLS = 1_000_000, 65
EVERY = pytest.mark.parametrize("name", PRESETS)
# A value of each setting of a recipe that is not its default.
OTHERS = {
    "cell": "gru",
    "hidden": 7,
    "partition": "varied",
    "lr": 0.1,
    "dropout": 0.3,
    "seq_len": 9,
    "average": 3,
}


def apply_preset(settings, characters, vocab_size):
    return resolve_settings(settings).for_corpus(characters, vocab_size)


def test_the_flag_s_choices_are_the_presets():
    choices = RunConfig.__dataclass_fields__["preset"].metadata["limits"].choices()
    assert choices == tuple(PRESETS)


def test_longer_presets_are_larger():
    presets = list(PRESETS.values())
    for shorter, longer in itertools.pairwise(presets):
        assert shorter.minutes < longer.minutes and shorter.fixed["hidden"] < longer.fixed["hidden"]


@pytest.mark.parametrize(("vocab_size", "given", "is_adaptive"), [
    (1001, {}, True), (1000, {}, False), (9999, {"encoding": "one-hot"}, False), (9999, {"task": "fill"}, False),
])  # fmt: skip
def test_many_symbols_have_a_narrow_tied_embedding_and_an_adaptive_softmax(vocab_size, given, is_adaptive):
    model = apply_preset({"minutes": 2, **given}, CHARACTERS, vocab_size).model
    assert {model.adaptive_softmax, model.tied, model.encoding == "embedding"} == {is_adaptive}


@pytest.mark.parametrize("task", ["fill", "tag", "translate"])
def test_the_recipe_of_a_task_follows_the_length_and_the_size_of_the_data(task):
    assert TASKS.find(task).by_preset.keys() < PRESETS.keys()
    small, large = (
        [apply_preset({"preset": name, "task": task}, characters, SYMBOLS) for name in PRESETS]
        for characters in (10**5, 10**10)
    )
    widths = [config.model.hidden for config in small]
    assert widths == sorted(widths) and len({*widths}) > 1 and widths == [config.model.hidden for config in large]
    assert all(config.optimisation.dropout > 0.05 for config in small)
    assert all(config.optimisation.dropout == 0 for config in large)
    assert not any(preset_changes(config) for config in (*small, *large))


@EVERY
@pytest.mark.parametrize("characters", [0, 1, 10**4, 10**6, 10**10])
def test_its_settings_go_together_on_a_corpus_of_any_size(name, characters):
    config = apply_preset({"preset": name}, characters, SYMBOLS)
    check_settings(config.model, config.optimisation)
    assert config.budget.preset == name
    assert config.budget.length == ("minutes", PRESETS[name].minutes)


@given(st.floats(0.001, 100_000))
def test_one_is_picked_by_the_length_alone(minutes):
    config = apply_preset({"minutes": minutes, "lines": True, "seed": 3}, CHARACTERS, SYMBOLS)
    assert config.budget.preset == pick_preset(minutes)
    assert config.budget.minutes == minutes and config.corpus.lines and config.budget.seed == 3


def test_where_nothing_is_given_one_is_picked_for_the_default_length():
    assert apply_preset({}, CHARACTERS, SYMBOLS).budget.preset == pick_preset(2.0)


@pytest.mark.parametrize("length", [{"steps": 5}, {"epochs": 2.0}])
def test_a_length_that_is_no_time_picks_none(length):
    assert apply_preset(length, CHARACTERS, SYMBOLS) == TrainingConfig.from_settings(**length)


@pytest.mark.parametrize("name", OTHERS)
def test_a_setting_of_one_s_own_bends_the_preset_that_is_picked(name):
    config = apply_preset({"minutes": 5, name: OTHERS[name]}, CHARACTERS, SYMBOLS)
    asked = apply_preset({"preset": "small", name: OTHERS[name]}, CHARACTERS, SYMBOLS)
    assert config == asked and config.budget.preset == "small"
    values = {key: value for group in config.to_json().values() for key, value in group.items()}
    assert values[name] == OTHERS[name]
    others = PRESETS["small"].fixed.keys() - {name} - ({"lr", "forget_bias"} if name == "cell" else set())
    assert {key: values[key] for key in others} == {key: PRESETS["small"].fixed[key] for key in others}


def test_without_picking_the_defaults_apply():
    given = {"minutes": 5.0, "hidden": 7}
    config = resolve_settings(given, picks_preset=False).for_corpus(CHARACTERS, SYMBOLS)
    assert config == TrainingConfig.from_settings(**given)


def test_what_bends_a_preset_is_told():
    def changes(**given):
        return preset_changes(apply_preset({"minutes": 5, **given}, CHARACTERS, SYMBOLS))

    assert changes() == changes(hidden=256, seed=4, lines=True, layers=2, dropout=0.5) == []
    assert changes(hidden=512, lr=0.01) == ["--hidden 512 instead of 256", "--lr 0.01 instead of 0.018"]
    assert changes(cell="gru", optimizer="adamw")[0] == "--cell gru instead of lstm"
    assert preset_changes(TrainingConfig()) == []


def test_what_is_given_wins_over_the_preset_that_is_asked_for():
    given = {"preset": "base", "hidden": 33, "lr": 0.5, "steps": 9, "dropout": 0.7}
    config = apply_preset(given, CHARACTERS, SYMBOLS)
    assert (config.model.hidden, config.optimisation.lr, config.optimisation.dropout) == (33, 0.5, 0.7)
    assert config.budget.length == ("steps", 9)
    assert config.optimisation.average == PRESETS["base"].fixed["average"]


def test_a_setting_that_is_none_is_refused_as_always():
    with pytest.raises(UsageError, match="no setting is called"):
        apply_preset({"preset": "tiny", "hiden": 3}, CHARACTERS, SYMBOLS)
    with pytest.raises(UsageError, match="--preset is 'huge': it must be one of tiny, small, base, large"):
        apply_preset({"preset": "huge"}, CHARACTERS, SYMBOLS)


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.sampled_from(CELLS.names()))
def test_dropout_grows_with_the_epochs_and_stays_below_its_most(fewer, more, cell):
    fewer, more = sorted((fewer, more))
    for name, value in choose_dropout(fewer, cell).items():
        assert 0 <= value <= choose_dropout(more, cell)[name] <= {"dropout": 0.5, "weight_drop": 0.3}[name]


@EVERY
@pytest.mark.parametrize("other", [{"cell": cell} for cell in CELLS.names()] + [{"optimizer": "sgd"}], ids=str)
def test_under_another_cell_or_optimizer_what_suits_its_own_alone_is_left_out(name, other):
    config = apply_preset({"preset": name, **other}, CHARACTERS, SYMBOLS)
    check_settings(config.model, config.optimisation)
    fixed = PRESETS[name].fixed
    is_own = fixed["cell"] == other.get("cell")
    assert config.optimisation.lr == (fixed["lr"] if is_own else None)
    # Under Adam and SGD the decay is a penalty on the loss, which needs another strength.
    is_decayed = "cell" in other
    assert config.optimisation.weight_decay == (fixed.get("weight_decay", 0.0) if is_decayed else 0.0)
    assert config.optimisation.average == fixed["average"]
    shows_forget_bias = any(shown.startswith("--forget-bias") for shown in preset_flags(config))
    assert shows_forget_bias <= ("lstm" in config.model.cell)


def test_what_is_none_is_not_given():
    assert apply_preset({"minutes": 20, "lr": None, "split": None}, CHARACTERS, SYMBOLS).budget.preset == "base"
    assert apply_preset({"preset": "tiny", "steps": None}, CHARACTERS, SYMBOLS).budget.minutes == 1


def test_the_dropout_is_that_of_the_epochs_in_any_unit_of_length():
    window = 64 * PRESETS["base"].fixed["batch_size"]
    for epochs in (1, 8):
        by_epochs = apply_preset({"preset": "base", "epochs": float(epochs)}, 100 * window, SYMBOLS).optimisation
        by_steps = apply_preset({"preset": "base", "steps": 100 * epochs}, 100 * window, SYMBOLS).optimisation
        assert by_epochs == by_steps and by_epochs.dropout == choose_dropout(epochs, "lstm")["dropout"]


def test_a_faster_machine_reads_a_text_more_often():
    slow, fast = (apply_preset({"minutes": 20, "gflops": gflops}, CHARACTERS, SYMBOLS) for gflops in (50, 200))
    read = [expected_epochs(config, CHARACTERS, SYMBOLS) for config in (slow, fast)]
    assert read[1] == pytest.approx(4 * read[0])
    assert slow.optimisation.dropout == choose_dropout(read[0], "lstm")["dropout"]
    assert fast.optimisation.dropout == choose_dropout(read[1], "lstm")["dropout"] > slow.optimisation.dropout


def test_without_a_speed_it_is_the_reference_machine_s():
    measured = apply_preset({"minutes": 20, "gflops": REFERENCE_GFLOPS}, CHARACTERS, SYMBOLS)
    assert apply_preset({"minutes": 20}, CHARACTERS, SYMBOLS).optimisation == measured.optimisation


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({"minutes": 2}, True),
        ({"preset": "small"}, True),
        ({"minutes": 2, "dropout": 0.2}, True),  # weight-drop is still chosen
        ({"minutes": 2, "dropout": 0.2, "weight_drop": 0.1}, False),
        ({"minutes": 2, "gflops": 50.0}, False),
        ({"preset": "small", "steps": 9}, False),
        ({"epochs": 2.0}, False),
    ],
)
def test_the_machine_s_speed_is_needed_where_it_decides_something(settings, needed):
    assert resolve_settings(settings).needs_speed is needed


@EVERY
def test_no_preset_says_how_a_corpus_is_prepared(name):
    """A corpus is prepared before its size is known, which decides the dropout."""
    preparing = {field.name for group in (CorpusConfig, DataConfig) for field in dataclasses.fields(group)}
    assert PRESETS[name].fixed.keys() & preparing <= {"partition", "batch_size"}


@EVERY
def test_a_large_corpus_gets_less_dropout_than_a_small_one(name):
    small, large = (
        apply_preset({"preset": name}, characters, SYMBOLS).optimisation for characters in (10**4, 10**11)
    )
    assert small.dropout > large.dropout == 0 and small.weight_drop >= large.weight_drop == 0


@EVERY
def test_a_large_vocabulary_slows_learning_and_so_gets_no_more_dropout(name):
    few, many = (apply_preset({"preset": name}, CHARACTERS, symbols).optimisation for symbols in (65, 6_000))
    assert few.dropout >= many.dropout and few.weight_drop >= many.weight_drop


@EVERY
def test_the_flags_that_are_shown_make_the_same_run(name):
    config = apply_preset({"preset": name, "hidden": 12}, CHARACTERS, SYMBOLS)
    given = dict(shown.removeprefix("--").split(" ") for shown in preset_flags(config))
    typed = {key.replace("-", "_"): value for key, value in given.items()}
    groups = config.to_json().values()
    stored = {key: value for group in groups for key, value in group.items()}
    assert typed == {key: str(stored[key]) for key in typed} and typed["hidden"] == "12"
    changed = {key: stored[key] for key in typed}
    again = TrainingConfig.from_settings(**changed, minutes=PRESETS[name].minutes)
    assert dataclasses.replace(again, budget=config.budget) == config


def test_settings_are_resolved_once(begun, monkeypatch):
    read = []
    from_settings = TrainingConfig.from_settings
    monkeypatch.setattr(
        TrainingConfig, "from_settings", lambda **given: read.append(given) or from_settings(**given)
    )
    trainer, _ = begun(steps=3)
    assert len(read) == 1 and trainer.config.budget.steps == read[0]["steps"] == 3
