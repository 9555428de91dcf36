"""Errors in what was given: one exception, one line, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Bad input from the caller: the message says what was given, what was expected and what to do.

    The command line prints it as one line and exits with status 2.
    """


def unknown(kind: str, given: object, known: Iterable[str]) -> InputError:
    """The error for a name that is not in a list, with the nearest names that are."""
    
    import difflib  # when something is wrong: `import zoo` need not wait for it

    names = sorted(known)
    near = difflib.get_close_matches(str(given), names, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names)}"
    return InputError(f"unknown {kind} {given!r}; {hint}")


def is_whole(given: object, least: int) -> bool:
    """Whether it is a whole number, Python's or NumPy's, of `least` or more; True and False are none."""
    from numbers import Integral

    return isinstance(given, Integral) and not isinstance(given, bool) and given >= least
