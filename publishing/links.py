"""Dead links of a built site: every address and anchor within it has to lead somewhere, and every picture to say what it shows.

    python -m publishing.links site
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

OUTSIDE = ("http", "https", "mailto", "data", "javascript")


class Page(HTMLParser):
    """What a page holds: the addresses that it names, its anchors, and its pictures without words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()
        self.wordless: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the addresses, the anchors and the pictures."""
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        self.addresses += [value for name in ("href", "src") if (value := values.get(name))]
        if tag == "img" and not values.get("alt"):
            self.wordless.append(values.get("src") or "")


def faults(site: Path) -> Iterator[str]:
    """What is wrong with a site, one line each: dead addresses, dead anchors, pictures without words."""
    site = site.resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        if path.name == "404.html":  # its addresses hang on where the site is hosted
            continue
        place = path.relative_to(site)
        yield from (f"{place}: the picture {source} has no alt text" for source in page.wordless)
        for address in dict.fromkeys(page.addresses):
            parts = urlsplit(address)
            if parts.scheme in OUTSIDE or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{place}: {address} leads nowhere"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{place}: {address} has no such anchor"


def main(site: Annotated[Path, typer.Argument(help="The folder of the built site.")]) -> None:
    """Say what is wrong with a site; exit status 1 if anything is."""
    lines = list(faults(site))
    print("\n".join(lines) or "every link leads somewhere", file=sys.stderr if lines else sys.stdout)
    sys.exit(bool(lines))


if __name__ == "__main__":
    typer.run(main)
