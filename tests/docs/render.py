"""Write all generated sections into their pages: ``make readme``."""

from tests.docs import help_section, ingredients_section, presets_section, speed_section

SECTIONS = {
    help_section.SECTION: help_section.rendered,
    presets_section.SECTION: presets_section.rendered,
    presets_section.TASK_SECTION: presets_section.rendered_tasks,
    ingredients_section.SECTION: ingredients_section.rendered,
    speed_section.SECTION: speed_section.rendered,
    speed_section.SUMMARY: speed_section.summary,
    speed_section.TORCH: speed_section.rendered_torch,
    speed_section.RANKS: speed_section.rendered_ranks,
}

if __name__ == "__main__":
    for section, rendered in SECTIONS.items():
        section.write(rendered())
