"""A section is replaced between its marks, and nothing else is."""

import pytest

from tests.docs.section import Section, table


def test_only_the_section_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Title\n<!-- x begins -->\nold\n<!-- x ends -->\nend\n<!-- y begins --><!-- y ends -->")
    section = Section(page, "x")
    assert section.current() == "<!-- x begins -->\nold\n<!-- x ends -->"
    section.write(section.marked("new", "lines"))
    whole = "# Title\n<!-- x begins -->\n\nnew\nlines\n\n<!-- x ends -->\nend\n<!-- y begins --><!-- y ends -->"
    assert page.read_text() == whole
    with pytest.raises(SystemExit, match="put <!-- z begins --> and <!-- z ends --> there"):
        Section(page, "z").write("anything")
    assert page.read_text() == whole


def test_a_table_has_a_line_under_its_titles():
    assert table(["a", "b"], [["1", "2"]]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
