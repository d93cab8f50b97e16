"""Hooks of MkDocs: kept results are part of the site; links to other files become text."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

KEPT = "results/reference"
OUTSIDE = re.compile(r"(!?)\[([^\]]*)\]\(((?:\.\./)+)([^)\s]+)\)")  # [text](../target)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pictures and Markdown pages of the kept results."""
    root = Path(config.docs_dir).parent
    for path in sorted((root / KEPT).rglob("*")):
        if path.suffix in (".png", ".md"):
            name = path.relative_to(root).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links out of docs/: to a file of the site, else only their text."""
    depth = page.file.src_uri.count("/")

    def rewrite(link: re.Match[str]) -> str:
        image, text, ups, target = link.groups()
        if ups.count("../") != depth + 1:
            return link[0]
        if files.get_file_from_path(target.split("#")[0]):
            return f"{image}[{text}]({'../' * depth}{target})"
        if not (Path(config.docs_dir).parent / target.split("#")[0]).exists():
            return link[0]  # MkDocs reports it
        return text

    return OUTSIDE.sub(rewrite, markdown)
