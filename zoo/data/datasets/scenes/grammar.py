"""Grammar: what is meant of a scene, said in English and in German.

A meaning is a small tuple of things; a language is what makes words of it. Both languages speak from the same meaning, so that
one sentence is the other's exact translation: genders, cases, plurals and the order of words are German's own.

>>> said(Beside(Name("star", "grain"), "left", Name("disk")), "german")
('der', 'körnige', 'Stern', 'liegt', 'links', 'von', 'der', 'Scheibe', '.')
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from zoo.outputs.vocabulary import SENTENCES

Words = tuple[str, ...]
SIDES = ("left", "right", "above", "below")


@dataclass(frozen=True)
class Name:
    """A thing by its shape, and by its texture where that is said; a key of `SHAPES`, and of `PATTERNS` or None."""

    shape: str
    texture: str | None = None


@dataclass(frozen=True)
class Row:
    """All things from left to right."""

    names: tuple[Name, ...]


@dataclass(frozen=True)
class Total:
    """How many things there are, 1 to 4."""

    count: int


@dataclass(frozen=True)
class Count:
    """How many there are of a name, 0 to 4."""

    name: Name
    count: int


@dataclass(frozen=True)
class Beside:
    """One thing is at one of `SIDES` of another; `shows` says it of the picture that shows the one."""

    name: Name
    side: str
    other: Name
    shows: bool = False


@dataclass(frozen=True)
class Larger:
    """One thing is larger than another; `shows` says it of the picture that shows the one."""

    name: Name
    other: Name
    shows: bool = False


@dataclass(frozen=True)
class Largest:
    """The largest of all."""

    name: Name


@dataclass(frozen=True)
class Outermost:
    """The thing that is furthest at one of `SIDES`."""

    name: Name
    side: str


@dataclass(frozen=True)
class Corner:
    """Something is in a corner: "top" or "bottom", "left" or "right"."""

    name: Name
    corner: tuple[str, str]


@dataclass(frozen=True)
class Wears:
    """What the texture of a thing is."""

    shape: str
    texture: str


Meaning = Row | Total | Count | Beside | Larger | Largest | Outermost | Corner | Wears

# --- English --------------------------------------------------------------------------------------------------------

_ENGLISH = {"disk": "disk", "box": "box", "triangle": "triangle", "star": "star", "ring": "ring", "thing": "thing"}
_ENGLISH_PLURAL = {**{shape: f"{noun}s" for shape, noun in _ENGLISH.items()}, "box": "boxes"}
TEXTURES = {"dots": "dotted", "checks": "checkered", "stripes": "striped", "grain": "grainy", "marble": "marbled"}
NUMBERS = ("no", "one", "two", "three", "four")
_ENGLISH_SIDE = {"left": ("left", "of"), "right": ("right", "of"), "above": ("above",), "below": ("below",)}
_ENGLISH_END = {"left": ("to", "the", "left"), "right": ("to", "the", "right"), "above": ("up",), "below": ("down",)}


def noun(name: Name, plural: bool = False) -> Words:
    """A name in English, without an article."""
    texture = (TEXTURES[name.texture],) if name.texture else ()
    return (*texture, (_ENGLISH_PLURAL if plural else _ENGLISH)[name.shape])


def _a(name: Name) -> Words:
    return ("a", *noun(name))  # none of the words begins with a vowel


def _the(name: Name) -> Words:
    return ("the", *noun(name))


def _english_count(name: Name, count: int) -> Words:
    if count == 1:
        return ("there", "is", *_a(name), ".")
    return ("there", "are", NUMBERS[count], *noun(name, plural=True), ".")


def _english_row(names: tuple[Name, ...]) -> Words:
    return ("from", "left", "to", "right", ":", *_listed([_a(name) for name in names], "and"), ".")


def _english_beside(meaning: Beside) -> Words:
    where = ("is", *_ENGLISH_SIDE[meaning.side], *_the(meaning.other), ".")
    return (*_english_subject(meaning), *where)


def _english_larger(meaning: Larger) -> Words:
    return (*_english_subject(meaning), "is", "larger", "than", *_the(meaning.other), ".")


def _english_subject(meaning: Beside | Larger) -> Words:
    return ("the", "picture", "shows", *_a(meaning.name), "that") if meaning.shows else _the(meaning.name)


_SAY_ENGLISH: dict[type, Callable[[Any], Words]] = {
    Row: lambda it: _english_row(it.names),
    Total: lambda it: (NUMBERS[it.count], "thing" if it.count == 1 else "things", "can", "be", "seen", "."),
    Count: lambda it: _english_count(it.name, it.count),
    Beside: _english_beside,
    Larger: _english_larger,
    Largest: lambda it: ("the", "largest", "thing", "is", *_the(it.name), "."),
    Outermost: lambda it: (*_the(it.name), "is", "furthest", *_ENGLISH_END[it.side], "."),
    Corner: lambda it: ("at", "the", *it.corner, "there", "is", *_a(it.name), "."),
    Wears: lambda it: (*_the(Name(it.shape)), "is", TEXTURES[it.texture], "."),
}

# --- German ---------------------------------------------------------------------------------------------------------

# shape → gender, singular, plural; no sentence has a plural in the dative
_GERMAN = {
    "disk": ("f", "Scheibe", "Scheiben"),
    "box": ("n", "Rechteck", "Rechtecke"),
    "triangle": ("n", "Dreieck", "Dreiecke"),
    "star": ("m", "Stern", "Sterne"),
    "ring": ("m", "Ring", "Ringe"),
    "thing": ("n", "Ding", "Dinge"),
}
_STEMS = {"dots": "gepunktet", "checks": "kariert", "stripes": "gestreift", "grain": "körnig", "marble": "marmoriert"}
_THE = {
    "nominative": {"m": "der", "f": "die", "n": "das"},
    "dative": {"m": "dem", "f": "der", "n": "dem"},
}
_A = {
    "nominative": {"m": "ein", "f": "eine", "n": "ein"},
    "accusative": {"m": "einen", "f": "eine", "n": "ein"},
}
# Endings of an adjective behind "der" (weak) and behind "ein" and "kein" (mixed).
_WEAK = {"nominative": {"m": "e", "f": "e", "n": "e"}, "dative": {"m": "en", "f": "en", "n": "en"}}
_MIXED = {"nominative": {"m": "er", "f": "e", "n": "es"}, "accusative": {"m": "en", "f": "e", "n": "es"}}
_STRONG_PLURAL = "e"  # behind a number, nominative and accusative
_GERMAN_NUMBERS = ("kein", "ein", "zwei", "drei", "vier")
_SAME_CASE = {"left": "links", "right": "rechts", "above": "über", "below": "unter"}
_GERMAN_END = {"left": "links", "right": "rechts", "above": "oben", "below": "unten", "top": "oben", "bottom": "unten"}


def _declined(name: Name, ending: str, plural: bool = False) -> Words:
    """An adjective with its ending, where there is one, and the noun."""
    texture = (_STEMS[name.texture] + ending,) if name.texture else ()
    return (*texture, _GERMAN[name.shape][2 if plural else 1])


def _der(name: Name, case: str = "nominative") -> Words:
    gender = _GERMAN[name.shape][0]
    return (_THE[case][gender], *_declined(name, _WEAK[case][gender]))


def _ein(name: Name, case: str = "nominative", negated: bool = False) -> Words:
    gender = _GERMAN[name.shape][0]
    article = _A[case][gender]
    return ("k" + article if negated else article, *_declined(name, _MIXED[case][gender]))


def _german_count(name: Name, count: int) -> Words:
    if count > 1:
        return ("es", "gibt", _GERMAN_NUMBERS[count], *_declined(name, _STRONG_PLURAL, plural=True), ".")
    return ("es", "gibt", *_ein(name, "accusative", negated=not count), ".")


def _german_total(count: int) -> Words:
    noun = _declined(Name("thing"), "", plural=count > 1)
    return (_GERMAN_NUMBERS[count], *noun, "ist" if count == 1 else "sind", "zu", "sehen", ".")


def _german_row(names: tuple[Name, ...]) -> Words:
    return ("von", "links", "nach", "rechts", ":", *_listed([_ein(name) for name in names], "und"), ".")


def _german_beside(meaning: Beside) -> Words:
    side = _SAME_CASE[meaning.side]
    article, *rest = _der(meaning.other, "dative")
    beside = meaning.side in ("left", "right")
    where = (side, "von", article, *rest) if beside else (side, article, *rest)
    if beside and article == "dem":
        where = (side, "vom", *rest)
    return _german_statement(meaning, ("liegt",), where)


def _german_larger(meaning: Larger) -> Words:
    return _german_statement(meaning, ("ist",), ("größer", "als", *_der(meaning.other)))


def _german_statement(meaning: Beside | Larger, verb: Words, rest: Words) -> Words:
    """The verb stands second, and in a relative clause at the end."""
    if not meaning.shows:
        return (*_der(meaning.name), *verb, *rest, ".")
    which = _THE["nominative"][_GERMAN[meaning.name.shape][0]]
    return ("das", "Bild", "zeigt", *_ein(meaning.name, "accusative"), ",", which, *rest, *verb, ".")


def _german_corner(meaning: Corner) -> Words:
    return (*(_GERMAN_END[word] for word in meaning.corner), "liegt", *_ein(meaning.name), ".")


_SAY_GERMAN: dict[type, Callable[[Any], Words]] = {
    Row: lambda it: _german_row(it.names),
    Total: lambda it: _german_total(it.count),
    Count: lambda it: _german_count(it.name, it.count),
    Beside: _german_beside,
    Larger: _german_larger,
    Largest: lambda it: ("das", "größte", "Ding", "ist", *_der(it.name), "."),
    Outermost: lambda it: (*_der(it.name), "liegt", "am", "weitesten", _GERMAN_END[it.side], "."),
    Corner: _german_corner,
    Wears: lambda it: (*_der(Name(it.shape)), "ist", _STEMS[it.texture], "."),
}

# --- Both -----------------------------------------------------------------------------------------------------------

LANGUAGES: dict[str, dict[type, Callable[[Any], Words]]] = {"english": _SAY_ENGLISH, "german": _SAY_GERMAN}
MOST = len(NUMBERS) - 1  # things that a sentence counts or lists


def said(meaning: Meaning, language: str = "english") -> Words:
    """The words of a meaning, a full stop at the end; `language` is a key of `LANGUAGES`."""
    return LANGUAGES[language][type(meaning)](meaning)


def vocabulary(*languages: str) -> Words:
    """All words of languages, in one order for ever: what fills up, begins and ends a sentence, the others by alphabet."""
    words = {word for language in languages for meaning in _every() for word in said(meaning, language)}
    return (*SENTENCES, *sorted(words))


def longest(*languages: str) -> int:
    """Words of the longest sentence, its end with it."""
    return 1 + max(len(said(meaning, language)) for language in languages for meaning in _every())


def _listed(parts: list[Words], conjunction: str) -> Words:
    """The parts one after the other, a comma between them and the conjunction before the last."""
    if len(parts) == 1:
        return parts[0]
    before = [word for part in parts[:-2] for word in (*part, ",")]
    return (*before, *parts[-2], conjunction, *parts[-1])


def _every() -> Iterator[Meaning]:
    """Meanings that hold every form of every word, and the longest sentence."""
    names = [Name(shape, texture) for shape in _ENGLISH if shape != "thing" for texture in (None, *TEXTURES)]
    yield Row(tuple(Name("disk", "dots") for _ in range(MOST)))
    yield from (Total(count) for count in range(1, MOST + 1))
    corners = list(itertools.product(("top", "bottom"), ("left", "right")))
    for name in names:
        yield Row((name, name))
        yield from (Count(name, count) for count in range(MOST + 1))
        for shows in (False, True):
            yield from (Beside(name, side, name, shows) for side in SIDES)
            yield Larger(name, name, shows)
        yield Largest(name)
        yield from (Outermost(name, side) for side in SIDES)
        yield from (Corner(name, corner) for corner in corners)
        if name.texture:
            yield Wears(name.shape, name.texture)
