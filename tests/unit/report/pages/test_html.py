"""Pages of the HTML report are self-contained and escape their input."""

import pandas as pd

from trajprompt.report.films.film import COLUMNS
from trajprompt.report.pages.html import film_page, from_markdown, table_page, write_page

TABLE = "# A table\n\n| claim | reach |\n| :-- | :-- |\n| a < b | {} |\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="1"/>'


def test_verdicts_have_a_colour_and_their_words():
    for text, name in (
        ("reproduced", "reproduced"),
        ("contradicted †", "contradicted"),
        ("no difference", "no-difference"),
        ("too noisy ★", "too-noisy"),
        ("reproduced ★ ‡", "reproduced"),
        ("not at this size", "not-at-this-size"),
        ("not tested", "not-tested"),
    ):
        assert f'class="{name}">{text}</td>' in from_markdown(TABLE.format(text))
    assert (
        "class=" not in from_markdown(TABLE.format("reproduced, they say")).split("<td")[2]
    )


def test_html_in_a_label_is_escaped():
    page = from_markdown(TABLE.format("<script>alert(1)</script>"))
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_table_page_has_its_picture_and_its_other_forms(tmp_path):
    for name in ("tables/mine.md", "tables/mine_best.md", "figures/mine.svg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(SVG if name.endswith("svg") else TABLE.format(name))
    page = table_page(tmp_path / "tables/mine")
    assert page.index("tables/mine.md") < page.index("<img") < page.index("mine_best.md")
    assert page.count("<details>") == 1  # the table per task is missing


def test_a_page_needs_no_other_file(tmp_path):
    film = tmp_path / "mine_reach.webm"
    film.write_bytes(b"frames")
    row = ("reach", 6, "reach", "a", "A", 0, -1.25, 82, 0.125)
    page = film_page("Mine & yours", pd.DataFrame([row], columns=list(COLUMNS)), [film])
    write_page(tmp_path / "mine.html", "Mine & yours", page)
    text = (tmp_path / "mine.html").read_text()
    assert "<title>Mine &amp; yours</title>" in text and "MW reach, task 6" in text
    assert 'src="data:video/webm;base64,ZnJhbWVz"' in text
    assert "http" not in text and film.name not in text
