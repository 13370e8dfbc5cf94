"""A section of the README that is rendered, between two marks."""

from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


class Section:
    """What stands between a name's marks."""

    def __init__(self, name):
        self.begins, self.ends = f"<!-- {name} begins -->", f"<!-- {name} ends -->"

    def marked(self, *lines):
        """Lines as the section has them, marks included."""
        return "\n".join([self.begins, "", *lines, "", self.ends])

    def current(self):
        """The section as it stands, marks included."""
        return self._split()[1]

    def write(self, rendered):
        """Put another in its place."""
        before, _, after = self._split()
        README.write_text(before + rendered + after, encoding="utf-8")

    def _split(self):
        before, begins, rest = README.read_text(encoding="utf-8").partition(self.begins)
        section, ends, after = rest.partition(self.ends)
        if not (begins and ends):
            raise SystemExit(f"README.md has no place for the section: put {self.begins} and {self.ends} there")
        return before, begins + section + ends, after
