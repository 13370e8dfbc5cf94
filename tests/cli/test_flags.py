"""Every flag that a user was promised, and every limit of every setting, from the command line."""

import dataclasses
import re

import pytest
import typer

from charlm.cli.app import app
from charlm.cli.commands.sample import PANELS as SAMPLE
from charlm.cli.commands.train import PANELS as TRAIN
from charlm.cli.options import with_settings
from charlm.config import Config, flag, setting

PROMISED = {
    "train": """--cell --layers --hidden --encoding --embedding-size --nonlinearity --seq-len --batch-size
        --partition --optimizer --lr --schedule --warmup --reset-after --dtype --clip --clip-value --dropout
        --weight-decay --epochs --steps --minutes --eval-every --sample-every --val-fraction --seed --out --resume
        --init-from --json --quiet""",
    "sample": """--len --prompt --prompt-file --temperature --top-k --top-p --min-p --greedy --num --stop --seed
        --stream --no-stream --json""",
    "eval perplexity": "--split --json",
    "info": "--json",
    "runs": "--json",
}
CHOICES = {
    "--cell": "gru|lstm|rnn",
    "--encoding": "one-hot|embedding",
    "--nonlinearity": "tanh|relu",
    "--partition": "sequential|random",
    "--optimizer": "adagrad|adam|adamw|rmsprop|sgd",
    "--schedule": "constant|step|cosine|linear",
    "--dtype": "float32|float64",
}


def options_of(line):
    """The options of a command, by flag."""
    command = typer.main.get_command(app)
    for name in line.split():
        command = command.get_command(None, name)
        command = command.load() if hasattr(command, "load") else command
    if getattr(command, "default", ""):
        command = command.get_command(None, command.default).load()
    return {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize(("line", "flags"), list(PROMISED.items()))
def test_every_promised_flag_exists(line, flags):
    assert set(flags.split()) <= set(options_of(line))


@pytest.mark.parametrize(("name", "choices"), list(CHOICES.items()))
def test_choices_are_the_promised_ones_and_show(name, choices):
    assert set(choices.split("|")) <= set(re.findall(r"[\w-]+", options_of("train")[name].help))


def test_a_default_of_nought_shows(call):
    assert "0 is off. (default: 0)" in " ".join(call("train", "--help-all").out.split())
    assert "(default: 0)" in call("corpus", "make", "markov", "--help").out


def wrong_values(limits, kind):
    """Values that a setting may not have, and what is said of each."""
    if limits.choices is not None:
        yield "nonsense", f"'nonsense': it must be one of {', '.join(limits.choices())}"
    elif kind in (int, float):
        yield "x", f"'x': it must be a {'whole ' if kind is int else ''}number"
        one = 1 if kind is int else 0.5
        bounds = [
            (limits.low, -one, "at least"),
            (limits.above, 0, "more than"),
            (limits.high, one, "at most"),
            (limits.below, 0, "less than"),
        ]
        for bound, step, words in bounds:
            if bound is not None:
                yield str(kind(bound + step if bound < 2**60 else bound + 1)), f"it must be {words} {bound:g}"
    if kind is float:
        yield "nan", "nan: it must be a finite number"


def every_wrong_value():
    for command, panels in [("train", TRAIN), ("sample", SAMPLE)]:
        for group in (group for groups in panels.values() for group in groups):
            for field in group.settings().values():
                (kind,) = {bool, int, float, str} & set(group.accepted_types(field.name))
                for value, words in wrong_values(field.metadata["limits"], kind):
                    yield command, flag(field.name), value, words


@pytest.mark.parametrize(("command", "name", "value", "words"), list(every_wrong_value()))
def test_a_value_outside_its_limits_is_named_with_the_limit(inside, call, command, name, value, words):
    refused = call(command, f"{name}={value}")
    assert refused.code == 2
    assert refused.complaint.startswith(f"{name} is ") and refused.complaint.endswith(words)


@dataclasses.dataclass(frozen=True)
class Knobs(Config):
    size: int = setting(3, "A size.")
    name: str | None = setting(None, "A name.")
    loud: bool = setting(False, "Loudness.")


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ([], {}),
        (["--size", "3"], {"size": 3}),
        (["--name", "3", "--loud"], {"name": "3", "loud": True}),
        (["--no-loud", "--size=-1"], {"loud": False, "size": -1}),
    ],
)
def test_a_command_gets_the_settings_that_are_given_and_no_others(line, given):
    seen = []
    program = typer.Typer()

    @program.command()
    @with_settings({"Knobs": [Knobs]})
    def command(settings: dict, word: str = "") -> None:
        seen.append(settings)

    program(line, standalone_mode=False)
    assert seen == [given]


@pytest.mark.parametrize(
    ("typed", "offered"), [("--gpu", ""), ("--droput", "--dropout"), ("--layer", "--layers")]
)
def test_an_unknown_option_is_told_with_those_that_are_alike_beside_the_dashes(call, typed, offered):
    told = call("train", typed, "3")
    assert told.code == 2 and told.complaint.startswith(f"no option is called {typed}; ")
    assert told.complaint.endswith(f"did you mean {offered}?" if offered else "see charlm train --help")
