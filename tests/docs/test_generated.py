"""Every generated section of the pages is as it would be generated today."""

import pytest

from tests.docs.render import SECTIONS


@pytest.mark.parametrize("section", SECTIONS, ids=repr)
def test_a_generated_section_is_todays(section):
    assert section.current() == SECTIONS[section](), f"{section} is stale: run make readme"
