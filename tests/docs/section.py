"""A generated section of a page, between two marks."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


class Section:
    """What stands between the marks of a name in a page, given by its path in the repository."""

    def __init__(self, page, name):
        self.page = ROOT / page
        self.begins, self.ends = f"<!-- {name} begins -->", f"<!-- {name} ends -->"

    def __repr__(self):
        return f"{self.page.relative_to(ROOT)}: {self.begins}"

    def marked(self, *lines):
        """Lines as the section has them, marks included."""
        return "\n".join([self.begins, "", *lines, "", self.ends])

    def current(self):
        """The section as it stands, marks included."""
        return self._split()[1]

    def write(self, rendered):
        """Replace the section."""
        before, _, after = self._split()
        self.page.write_text(before + rendered + after, encoding="utf-8")

    def _split(self):
        before, begins, rest = self.page.read_text(encoding="utf-8").partition(self.begins)
        section, ends, after = rest.partition(self.ends)
        if not (begins and ends):
            raise SystemExit(f"{self.page} has no place for the section: put {self.begins} and {self.ends} there")
        return before, begins + section + ends, after


def table(titles, rows):
    """The lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (titles, ["---"] * len(titles), *rows)]
