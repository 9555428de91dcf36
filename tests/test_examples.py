"""Every guide runs as it is written: small data, tiny networks. Steps run uncompiled, for compiling takes longer."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from quick_tensorflow import op_by_op

from edge.hosting.site import DIST
from publishing import guides


@pytest.fixture(scope="module", autouse=True)
def uncompiled() -> Iterator[None]:
    with op_by_op():
        yield


@pytest.mark.parametrize("name", guides.names())
def test_the_guide_runs(name: str, tmp_path: Path, monkeypatch, capsys) -> None:
    script = guides.EXAMPLES / f"{name}.py"
    if "export_app" in script.read_text(encoding="utf-8") and not (DIST / "index.html").is_file():
        pytest.skip("the demo app is not built: run `make app`")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))
    assert capsys.readouterr().out.strip()
