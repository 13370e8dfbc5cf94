"""Every link of every page leads somewhere, and every page is linked."""

import re

import pytest

from tests.docs.pages import anchors, files, links
from tests.docs.section import README, ROOT

PAGES = [README, *files(".md")]
OUTSIDE = re.compile(r"[a-z]+:")  # an address, which no test asks for
OF_THIS_MACHINE = re.compile(r"/(?:home|root|tmp|work|Users)/|pypi\.org|pythonhosted")


def targets(page):
    """Where a page's links within the repository lead: each a path and an anchor, which may be empty."""
    for link in links(page.read_text(encoding="utf-8")):
        if not OUTSIDE.match(link):
            name, _, anchor = link.partition("#")
            yield (page.parent / name).resolve() if name else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target, anchor in targets(page):
        assert target.is_relative_to(ROOT), target
        assert target.exists(), f"{page.relative_to(ROOT)} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{target} has no heading for #{anchor}"


def test_every_page_and_picture_is_reached_from_the_readme():
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [target for target, _ in targets(page) if target.is_file()] if page.suffix == ".md" else []
    assert {*PAGES, *files(".svg")} <= reached


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_path_of_a_machine_and_no_address_of_a_registry(page):
    assert not OF_THIS_MACHINE.findall(page.read_text(encoding="utf-8"))


def test_links_in_code_are_none():
    text = "# A `b`: c\n[x](y.md#z) `[1](2)`\n```text\n# no\n[a](b)\n```\n## A b c\n![p](q.svg)\n"
    assert links(text) == ["y.md#z", "q.svg"]
    assert anchors(text) == ["a-b-c", "a-b-c-1"]
