"""A hook of MkDocs: the documents at the top of the project become pages of the site, with their links put right.

README.md is the site's first page. In the project's folder it links to `docs/x.md`; on the site, whose top is `docs`,
the same page is `x.md`.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "THIRD_PARTY.md": "third-party.md",
    "LICENSE": "LICENSE.txt",
}
"""Files at the top of the project, and what they are called on the site."""
_TARGET = re.compile(r"(?<=\]\()(?!https?://|mailto:|#)([^)\s#]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the documents at the top of the project to those of the site."""
    for source, name in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The text of a page with links that hold on the site.

    Args:
        markdown: of the page, with links as they hold in the project's folder.
        page: of the site.
    """
    name = page.file.src_uri
    source = next((top for top, on_site in PAGES.items() if on_site == name), f"docs/{name}")
    return _TARGET.sub(lambda match: moved(match[1], source, name), markdown)


def moved(target: str, source: str, name: str) -> str:
    """The target of a link, written as in the project's folder, as it is on the site.

    Args:
        target: path relative to the page's file in the project.
        source: that file, relative to the top of the project.
        name: the page, relative to the top of the site.

    Examples:
        >>> moved("docs/triangles.md", "README.md", "index.md")
        'triangles.md'
        >>> moved("../../README.md", "docs/guide/plan.md", "guide/plan.md")
        '../index.md'
    """
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    on_site = PAGES.get(path, path.removeprefix("docs/"))
    return posixpath.relpath(on_site, posixpath.dirname(name) or ".")
