"""Links of all Markdown pages: files and headings exist, addresses are well formed."""

import re
from urllib.parse import urlsplit

import pytest

from support.paths import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$", re.M | re.S)
HEADING = re.compile(r"^#+ (.+)$", re.M)


def anchors(text):
    """The anchors that GitHub gives the headings of a page."""
    titles = [re.sub(r"[`*]", "", title) for title in HEADING.findall(CODE.sub("", text))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_pages_are_found():
    assert {"README.md", "CONTRIBUTING.md", "results.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in LINK.findall(CODE.sub("", page.read_text())):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https" and "." in parts.netloc, link
            continue
        target = (page.parent / parts.path).resolve() if parts.path else page
        assert target.exists() and target.is_relative_to(ROOT), link
        if parts.fragment and target.suffix == ".md":
            assert parts.fragment in anchors(target.read_text()), link
