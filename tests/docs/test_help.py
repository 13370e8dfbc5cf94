"""The page of all commands shows their help, the same from any terminal."""

import pytest

from charlm.nn.cells import CELLS
from tests.docs.help_section import rendered


@pytest.fixture(scope="module")
def section():
    return rendered()


def test_the_section_is_the_same_on_any_terminal(section, monkeypatch):
    for name, value in [
        ("COLUMNS", "47"),
        ("TERMINAL_WIDTH", "50"),
        ("FORCE_COLOR", "1"),
        ("GITHUB_ACTIONS", "true"),
    ]:
        monkeypatch.setenv(name, value)
    assert rendered() == section


def test_every_command_is_shown_with_its_defaults_and_choices(section):
    for command in ["charlm", "charlm train", "charlm sample", "charlm eval", "charlm eval perplexity"]:
        assert f"## {command}\n\n```text\nUsage: {command} [OPTIONS]" in section.replace("\n ", "\n")
    assert section.count("--install-completion") == 1
    cells = ", ".join(CELLS.names())
    for shown in [cells, "(preset, or lstm)", "(default: 0)", "(default: python-docs)", "train, val, test"]:
        assert shown in " ".join(section.split())
    assert max(map(len, section.splitlines())) <= 80
    assert "\x1b" not in section
