"""A process that ends in the middle of something, without ending the tests."""

from __future__ import annotations


class Killed(BaseException):
    """Stands for the process ending here: nothing in the product catches it."""


def dies(monkeypatch, owner: object, name: str, time: int, halfway=None) -> None:
    """Lets the `time`-th call of a function be the last thing that happens (`halfway`: what it still does)."""
    original, calls = getattr(owner, name), []

    def last(*args, **kwargs):
        calls.append(args)
        if len(calls) == time:
            if halfway is not None:
                halfway(*args)
            raise Killed
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, last)
