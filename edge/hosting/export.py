"""The demo app as a folder of static files, to host anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from edge.errors import InputError
from edge.hosting.site import site


def export_app(folder: str | Path, paths: Sequence[str | Path], samples: Sequence[str | Path] = ()) -> Path:
    """Writes the app with the given models (and sample pictures) to `folder`; returns the path of its index.html.

    Any static host will do, in any subfolder, over HTTPS: a service worker adds the headers that a host cannot send.
    An earlier export in `folder` is replaced.

    Raises InputError when the app is not built, a model is missing, or `folder` holds something else.
    """
    folder = Path(folder)
    files = site(paths, samples)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; expected a folder to write the app to")
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / "models.json").is_file() or not (folder / "service-worker.js").is_file():
            raise InputError(f"{folder} is not empty and holds no earlier export; give an empty or a new folder")
        for part in ("models", "samples"):
            shutil.rmtree(folder / part, ignore_errors=True)
    for place, content in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
    return folder / "index.html"
