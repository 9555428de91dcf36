"""Errors of a file, a picture or an accelerator, in words for the person who gave it."""

from __future__ import annotations

from zoo.errors import InputError

__all__ = ["AcceleratorError", "InputError"]


class AcceleratorError(InputError):
    """An accelerator could not take the file.

    `reason` is one of "not whole", "crashed", "timed out", "no driver", "failed"; `log` is what the runtime printed.
    """

    def __init__(self, message: str, reason: str, log: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.log = log
