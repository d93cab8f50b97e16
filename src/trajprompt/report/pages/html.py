"""Self-contained HTML pages of Snakemake's report.

Pictures and videos are embedded, so a page is a single file.
"""

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.artifacts.atomic import write_text

if TYPE_CHECKING:
    import pandas as pd

MIME = {".svg": "image/svg+xml", ".webm": "video/webm"}
# Verdicts get a colour in addition to their words; see report/numbers/verdicts.py.
VERDICT_CELLS = re.compile(
    r">([^<>]*?)(reproduced|contradicted|no difference|too noisy|no headroom|"
    r"not at this size|not tested|not judged)((?: [★†‡])*)</td>"
)  # marks: report/pages/claims_markdown.py
INTERVAL = re.compile(r"(>[^<>\[]*\d) (\[[^<>\]]*\]</td>)")  # mean [low, high]
STYLE = """
body { font: 15px/1.45 "DejaVu Sans", Verdana, sans-serif; color: #111; margin: 1.2em; }
h1 { font-size: 1.35em; } h2 { font-size: 1.1em; margin-top: 1.6em; }
table { border-collapse: collapse; margin: 1em 0; font-size: 0.85em; }
th, td { border-bottom: 1px solid #ddd; padding: 0.28em 0.5em; vertical-align: top; }
thead:not(:has(th:not(:empty))) { display: none; }
th { background: #f3f3f3; text-align: left; } tr:hover td { background: #f8f8f8; }
td + td { font-variant-numeric: tabular-nums; }
td[style*=right], tr:has(td[style*=right]) td:first-child { white-space: nowrap; }
details h1 { display: none; } .wide { overflow-x: auto; }
img, video { max-width: 100%; display: block; }
p, li { max-width: 60em; } summary { cursor: pointer; font-weight: bold; margin: 1em 0; }
pre { font-size: 0.85em; overflow-x: auto; }
.reproduced { background: #d3ecdf; } .contradicted { background: #f7d9c8; }
.no-difference { background: #d9e4f2; } .too-noisy { background: #f5eec4; }
.no-headroom, .not-at-this-size { background: #ececec; }
.not-tested, .not-judged { color: #767676; }
"""
OTHER_FORMS = {
    "best": "Same table for the best prompt by the method's own objective",
    "tasks": "Returns per task",
}
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>
<body>
{body}
</body>
</html>
"""


def write_page(path: Path, title: str, body: str) -> None:
    """Write a complete page around the HTML ``body``."""
    text = PAGE.format(title=html.escape(title), style=STYLE, body=body)
    write_text(path, text)


def from_markdown(text: str) -> str:
    """Convert the report's Markdown to HTML; HTML inside it is escaped."""
    from markdown_it import MarkdownIt

    body = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    body = body.replace("<table>", '<div class="wide"><table>')
    body = body.replace("</table>", "</table></div>")
    body = INTERVAL.sub(r"\1<br>\2", body)  # narrow columns, for many suites
    return VERDICT_CELLS.sub(_coloured, body)


def _coloured(found: re.Match[str]) -> str:
    name = found[2].replace(" ", "-")
    return f' class="{name}">{found[1]}{found[2]}{found[3]}</td>'


def collapsible(summary: str, body: str) -> str:
    """HTML of a collapsed section ``body`` that a click on ``summary`` opens."""
    return f"<details><summary>{html.escape(summary)}</summary>\n{body}</details>\n"


def picture(path: Path, text: str) -> str:
    """HTML of an image with the alternative text ``text``."""
    return f'<img src="{data_uri(path)}" alt="{html.escape(text)}">\n'


def film(path: Path, text: str) -> str:
    """HTML of an autoplaying, looping video; browsers require ``muted`` for that."""
    source = f'src="{data_uri(path)}" aria-label="{html.escape(text)}"'
    return f"<video controls autoplay loop muted playsinline {source}></video>\n"


def data_uri(path: Path) -> str:
    """Content of a file as a data URI."""
    data = base64.b64encode(path.read_bytes()).decode()
    return f"data:{MIME[path.suffix]};base64,{data}"


def table_page(stem: Path) -> str:
    """HTML of tables/<name>.md, its picture and, collapsed, its other forms."""
    parts = [from_markdown(stem.with_suffix(".md").read_text())]
    drawing = stem.parent.parent / "figures" / f"{stem.name}.svg"
    parts.append(picture(drawing, "the values of the table"))
    for ending, text in OTHER_FORMS.items():
        other = stem.with_name(f"{stem.name}_{ending}.md")
        if other.is_file():
            parts.append(collapsible(text, from_markdown(other.read_text())))
    return "".join(parts)


def film_page(title: str, table: "pd.DataFrame", films: Sequence[Path]) -> str:
    """HTML with a video per suite and a table of the returns of its panels."""
    from trajprompt.report.pages.formats import grid, number, suite_label

    parts = [f"<h1>{html.escape(title)}</h1>\n", from_markdown(FILM_NOTE)]
    groups = table.groupby("suite", sort=False)
    for (suite, rows), path in zip(groups, films, strict=True):
        first = rows.iloc[0]
        name = f"{suite_label(str(suite))}, task {first['task']}: {first['goal']}"
        parts.append(f"<h2>{html.escape(name)}</h2>\n{film(path, name)}")
        lines = [
            [row["label"], number(row["return"]), str(row["length"])]
            for _, row in rows.iterrows()
        ]
        parts.append(from_markdown(grid(["panel", "return", "control steps"], lines)))
        parts.append(f"<p>Seed {first['seed']}; runs at {_speed(first['speed'])}.</p>\n")
    return "".join(parts)


FILM_NOTE = (
    "Each panel shows one episode from the same reset: the first of the evaluation, with "
    "the first seed. Nothing was selected. One episode is no evidence; the means are in "
    "the tables. A red arrow or mark is the goal. Returns may differ from those of the "
    "same episode in the evaluation, which computes many episodes as one batch."
)


def _speed(times: float) -> str:
    return "real speed" if abs(times - 1) < 0.01 else f"{times:.3g} times real speed"
