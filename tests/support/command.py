"""The command line, called in this process."""

from __future__ import annotations

import sys

import pytest

from zoo.cli import main

COLUMNS = 150  # of the terminal


def says(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    """`zoo …` in this process: status, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    captured = capsys.readouterr()
    return stop.value.code or 0, captured.out, captured.err
