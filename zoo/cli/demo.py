"""`zoo demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import shipped_file


def demo(
    files: Annotated[list[Path] | None, typer.Argument(help=".tflite files to offer; none: drop your own in the page.")] = None,
    samples: Annotated[
        list[Path] | None, typer.Option("--sample", help="A picture for the page's gallery; may recur.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    export: Annotated[Path | None, typer.Option(help="Write a static site into this folder instead of serving.")] = None,
) -> None:
    """Run .tflite files on the visitor's own device, in the browser, on pictures and the camera.

    Example: zoo demo model.tflite
    """
    import edge

    given = [shipped_file(file) for file in files or []]

    if export is not None:
        edge.export_app(export, given, samples or [])
        print(f"the app is in {export}/; any web server with HTTPS can host it")
        return
    server = edge.serve(given, port=port, open_browser=browser, samples=samples or [])
    print(f"{server.url}  (Ctrl-C ends it)")
    try:
        server.wait()
    finally:
        server.close()
