"""MkDocs hooks: links from a page to files outside docs/ work on GitHub, and are names of files on the site."""

import logging
import re
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")
LOG = logging.getLogger("mkdocs.hooks.outside")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace each link that leaves docs/ by its text and the file's path, which must exist.

    A missing file is a warning, and `mkdocs build --strict` fails on warnings.
    """

    def name(match: re.Match[str]) -> str:
        text, target = match.groups()
        path = target.removeprefix("../").partition("#")[0]
        if not (PROJECT / path).exists():
            LOG.warning("%s links to %s, which is not in the project", page.file.src_uri, target)
        return f"`{path}`" if text.strip("`") in (path, Path(path).name) else f"{text} (`{path}`)"

    return OUTSIDE.sub(name, markdown)
