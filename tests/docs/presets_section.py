"""The table of presets, as they are in the code."""

from charlm.config import flag
from charlm.training.presets import PRESETS
from tests.docs.section import Section, table

SECTION = Section("charlm/training/README.md", "presets")


def rendered():
    """The section as it should be, marks included."""
    rows = [
        [
            f"`{name}`",
            f"{preset.minutes:g}",
            f"`{' '.join(f'{flag(key)} {preset.fixed[key]}' for key in preset.fixed)}`",
        ]
        for name, preset in PRESETS.items()
    ]
    return SECTION.marked(*table(["preset", "minutes", "settings"], rows))
