"""`zoo demo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import shipped_file


def demo(
    files: Annotated[
        list[Path] | None, typer.Argument(help=".tflite files to offer; none: those that densezoo ships.")
    ] = None,
    samples: Annotated[
        list[Path] | None, typer.Option("--sample", help="A picture for the page's gallery; may recur.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    lan: Annotated[bool, typer.Option("--lan", help="Serve the phones in this network, over HTTPS, with a QR code.")] = False,
    export: Annotated[Path | None, typer.Option(help="Write a static site into this folder instead of serving.")] = None,
) -> None:
    """Run .tflite files on the visitor's own device, in the browser, on pictures and the camera.

    Visitors can drop files of their own into the page.

    Example: zoo demo model.tflite --lan
    """
    import edge

    paths = [shipped_file(file) for file in files] if files else _shipped()

    if export is not None:
        edge.export_app(export, paths, samples or [])
        print(f"the app is in {export}/; any web server with HTTPS can host it")
        return
    server = edge.serve(paths, port=port, open_browser=browser and not lan, samples=samples or [], on_lan=lan)
    try:
        if lan:
            from edge.hosting.lan import invitation

            print(invitation(server.url, server.fingerprint, sys.stdout.encoding))
            print("Ctrl-C ends it.")
        else:
            print(f"{server.url}  (Ctrl-C ends it)")
        server.wait()
    finally:
        server.close()


def _shipped() -> list[Path]:
    """Every converted file of the weights that the zoo ships, those in the store where they are at hand."""
    from zoo.pretrained import catalog

    sets = [catalog.get(name) for name in catalog.names()]
    forms = [(weights, form) for weights in sets for form in weights.files if form != catalog.WEIGHTS]
    far = sorted({weights.name for weights, form in forms if weights.file_here(form) is None and weights.archive is not None})
    if far:
        print(f"in the store, and not here: {', '.join(far)}; zoo weights fetch brings them")
    return [weights.path(form) for weights, form in forms if weights.name not in far]
