"""Paper: where a network, a layer or a method comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A publication. `url` is an arXiv address or a DOI."""

    title: str
    authors: str
    year: int
    url: str

    @property
    def first_author(self) -> str:
        """The first of the authors, by surname."""
        return self.authors.replace(",", " ").split()[0]

    @property
    def short(self) -> str:
        """First author and year, as "He 2015"."""
        return f"{self.first_author} {self.year}"
