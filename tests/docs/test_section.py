"""A section is replaced between its marks, and nothing else is."""

import pytest

from tests.docs import section
from tests.docs.section import Section


def test_only_the_section_is_replaced(tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    monkeypatch.setattr(section, "README", readme)
    readme.write_text("# Title\n<!-- x begins -->\nold\n<!-- x ends -->\nend\n<!-- y begins --><!-- y ends -->")
    assert Section("x").current() == "<!-- x begins -->\nold\n<!-- x ends -->"
    Section("x").write(Section("x").marked("new", "lines"))
    whole = "# Title\n<!-- x begins -->\n\nnew\nlines\n\n<!-- x ends -->\nend\n<!-- y begins --><!-- y ends -->"
    assert readme.read_text() == whole
    with pytest.raises(SystemExit, match="put <!-- z begins --> and <!-- z ends --> there"):
        Section("z").write("anything")
    assert readme.read_text() == whole
