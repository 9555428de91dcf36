"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and peers' models beside the checkout, or $DENSEZOO_SHARED; tests skip where there is none."""
    folder = Path(os.environ.get("DENSEZOO_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder.name}; set DENSEZOO_SHARED to run this test")
    return folder
