"""The tables of presets, and of the tasks' own, as they are in the code."""

from charlm.config import TASKS, flag
from charlm.training.presets import PRESETS
from tests.docs.section import Section, table

SECTION = Section("charlm/training/README.md", "presets")
TASK_SECTION = Section("tests/bench/README.md", "recipes")


def rendered():
    """The section as it should be, marks included."""
    rows = [[f"`{name}`", f"{each.minutes:g}", _flags(each.fixed)] for name, each in PRESETS.items()]
    return SECTION.marked(*table(["preset", "minutes", "settings"], rows))


def rendered_tasks():
    """The recipes of other tasks, marks included."""
    rows = [
        [
            f"`{task}`",
            _flags(kind.recipe),
            "; ".join(f"`{name}`: {_flags(kind.by_preset[name])}" for name in kind.by_preset),
        ]
        for task, kind in ((task, TASKS.find(task)) for task in TASKS.names())
        if kind.recipe
    ]
    return TASK_SECTION.marked(*table(["task", "every preset", "but for"], rows))


def _flags(settings):
    return f"`{' '.join(f'{flag(key)} {value}' for key, value in settings.items())}`"
