"""Kept runs of other tasks: they load for ever, answer what they answered, and go on.

``fixtures/tasks-N`` holds what a charlm of format N wrote; ``fixtures/make_task_runs.py`` made it.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import call_main

FIXTURES = Path(__file__).parent / "fixtures"
COMMANDS = {"regress": "regress", "fill": "fill", "translate": "translate", "tag": "tag"}
RUNS = [folder for kept in FIXTURES.glob("tasks-*") for folder in sorted(kept.iterdir()) if folder.is_dir()]
EVERY = pytest.mark.parametrize("folder", RUNS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")


def kept(folder):
    figures = json.loads((folder.parent / "figures.json").read_text(encoding="utf-8"))
    own = figures["runs"][folder.name]
    return own, own.get("asked", figures.get("asked")).encode()


@EVERY
def test_a_kept_run_answers_what_it_answered(folder):
    figures, asked = kept(folder)
    command = COMMANDS.get(folder.name, "classify")
    answered = call_main(command, str(folder), "--json", stdin=asked).records
    for found, answer in zip(answered, figures["answers"], strict=True):
        assert_close(found, answer)


def assert_close(found, expected):
    """That JSON values are the same, numbers nearly."""
    if isinstance(expected, dict):
        assert found.keys() >= expected.keys()
    if isinstance(expected, dict | list):
        for name in expected if isinstance(expected, dict) else range(len(expected)):
            assert_close(found[name], expected[name])
    else:
        assert found == (pytest.approx(expected, rel=1e-4) if isinstance(expected, float) else expected)


@EVERY
def test_a_kept_run_goes_on_as_it_did(folder, tmp_path):
    figures, _ = kept(folder)
    target = tmp_path / folder.name
    shutil.copytree(folder, target)
    config = target / "config.json"
    name = folder.parent.name
    config.write_text(config.read_text().replace(f'"/{name}/', f'"{folder.parent}/'))
    assert call_main("train", "--resume", str(target), "--steps", "80", "--quiet").code == 0
    last = json.loads((target / "metrics.jsonl").read_text().splitlines()[-1])
    loss = next(value for key, value in last.items() if key.startswith("val_"))
    assert loss == pytest.approx(figures["resumed_val"], rel=1e-4)
