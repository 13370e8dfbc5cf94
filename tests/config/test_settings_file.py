"""Settings in a TOML file: what is read, what is refused, and that what is given wins."""

import pytest

from charlm.base.errors import UsageError
from charlm.config.settings_file import MOST_BYTES, key, override, read_settings
from charlm.config.training import TrainingConfig, setting_names

GOOD = b"""
corpus = ["a.txt", "b.txt"]
cell = "gru"
hidden-size = 64
batch_size = 8
lr = 1
lines = true
split = "80/10/10"
save-every = "5m"
"""


@pytest.fixture
def read(tmp_path):
    """A function that reads a file with this content."""

    def run(content):
        path = tmp_path / "run.toml"
        path.write_bytes(content)
        return read_settings(path)

    return run


def test_settings_are_read_by_every_name_that_they_have(read):
    settings = read(GOOD)
    assert settings.pop("corpus") == ["a.txt", "b.txt"]
    assert settings == {
        "cell": "gru", "hidden": 64, "batch_size": 8, "lr": 1.0, "lines": True, "split": "80/10/10",
        "save_every": "5m",
    }  # fmt: skip
    assert type(settings["lr"]) is float and TrainingConfig.from_settings(**settings).model.hidden == 64
    assert read(b'corpus = "a.txt"') == {"corpus": ["a.txt"]} and read(b"") == {}


def test_every_setting_has_a_key(read):
    for name, setting in setting_names().items():
        if len(name) > 1 and setting == name:
            with pytest.raises(UsageError, match=f"run.toml: {key(name)} is \\[\\]: it must be "):
                read(f"{key(name)} = []".encode())


BAD = [
    (b"hiden = 3", r"no setting is called hiden; did you mean hidden\?"),
    (b"colour = 3", "no setting is called colour; see charlm train --help-all"),
    (b"learning_rat = 3", r"no setting is called learning_rat; did you mean learning_rate\?"),
    (b'hidden = "3"', "hidden is '3': it must be a whole number"),
    (b"hidden = 3.0", "hidden is 3.0: it must be a whole number"),
    (b"hidden = true", "hidden is True: it must be a whole number"),
    (b"hidden = 0", "hidden is 0: it must be at least 1"),
    (b"seq-len = [1]", "seq-len is [1]: it must be a whole number".replace("[", r"\[")),
    (b"lines = 1", "lines is 1: it must be true or false"),
    (b"lr = nan", "lr is nan: it must be a finite number"),
    (b"lr = 2026-11-28", "lr is datetime.date"),
    (b"cell = 'lstn'", r"cell is 'lstn': it must be one of .*; did you mean lstm\?"),
    (b"[lr]\nx = 1", "lr is {'x': 1}: it must be a number"),
    (b"[model]\nhidden = 1", "no setting is called model"),
    (b"lr = 1\nlearning-rate = 2", "lr is given twice"),
    (b"seq-len = 1\nseq_len = 2", "seq-len is given twice"),
    (b"corpus = []", r"corpus is \[\]: it must be text, or a list"),
    (b"corpus = ['a', 3]", "corpus is .*: it must be text, or a list"),
    (b"corpus = ''", "corpus is '': it must be text"),
    (b"out = 'x'", "no setting is called out"),
    (b"hidden", "run.toml is not valid TOML: "),
    (b"hidden = " + b"9" * 5000, "run.toml is not valid TOML: "),
    (b"hidden = " + b"[" * 5000, "run.toml is not valid TOML: "),
    (b"hidden = 1\nhidden = 2", "run.toml is not valid TOML: "),
    (b"cell = '\xff'", "run.toml is not in UTF-8: see its byte 8"),
    (b"#" * (MOST_BYTES + 1), "run.toml has more than 65,536 bytes"),
]


@pytest.mark.parametrize(("content", "words"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_refused_with_its_key(read, content, words):
    with pytest.raises(UsageError, match=words) as refused:
        read(content)
    assert "run.toml" in str(refused.value) and len(str(refused.value)) < 400


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UsageError, match=r"cannot be read: .*: give a TOML file"):
            read_settings(path)


WINS = [
    ({"hidden": 8, "lr": 0.1}, {"hidden": 9}, {"hidden": 9, "lr": 0.1}),
    ({"minutes": 2.0}, {"epochs": 1.0}, {"epochs": 1.0}),
    ({"split": "90/10"}, {"val_fraction": 0.0}, {"val_fraction": 0.0}),
    ({"delimiter": "x"}, {"lines": True}, {"lines": True}),
    ({"delimiter": "x", "lines": False}, {"lines": False}, {"delimiter": "x", "lines": False}),
]


@pytest.mark.parametrize(("stored", "given", "wanted"), WINS)
def test_what_is_given_wins(stored, given, wanted):
    assert override(stored, given) == wanted
