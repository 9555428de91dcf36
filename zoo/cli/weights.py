"""`zoo weights`: where the files of shipped weights lie, fetching those of the store, and making its archives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoo.pretrained.catalog import Trained

app = typer.Typer(no_args_is_help=False, rich_markup_mode="rich")
Names = Annotated[list[str] | None, typer.Argument(help="Of shipped weights, as unet_lite.ccp; all by default.")]


@app.callback(invoke_without_command=True)
def weights(context: typer.Context) -> None:
    """The files of shipped weights: where they lie, fetch those of the store, or write the archives of one."""
    if context.invoked_subcommand is not None:
        return
    from zoo.pretrained import catalog

    for each in map(catalog.get, catalog.names()):
        path, size = each.file_here(), sum(file.bytes for file in each.files.values())
        print(f"{each.name:36} {size / 1e6:5.1f} MB  {path.parent if path else 'in the store: zoo weights fetch'}")


@app.command()
def fetch(names: Names = None) -> None:
    """Bring the files of weights into the cache, from the store that DENSEZOO_STORE names or from the card's address.

    Example: DENSEZOO_STORE=https://example.org/densezoo zoo weights fetch unet.nuclei
    """
    for each in _named(names):
        for form in each.files:
            print(each.path(form))


@app.command()
def archive(
    names: Names = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the archives.")] = Path("store-archives"),
) -> None:
    """Write the archives of the weights in the store, to be put on a host: the folder, served as it is, is a store.

    Example: zoo weights archive --out public/
    """
    from zoo.errors import InputError
    from zoo.pretrained import store
    from zoo.pretrained.catalog import checksum

    for each in _named(names):
        if each.archive is None:
            continue
        path = out / each.archive.name
        store.write([each.path(form) for form in each.files], path)
        if checksum(path) != each.archive.sha256:
            raise InputError(f"{path} is not the archive of {each.name}'s card; write the card anew: zoo recipes write-scores")
        print(f"{path} {path.stat().st_size:,} bytes")


@app.command()
def store(names: Annotated[list[str], typer.Argument(help="Of packed weights, as zoo recipes pack leaves them.")]) -> None:
    """Move the files of packed weights into the store of this checkout; their cards stay in the package.

    Example: zoo weights store unet.nuclei
    """
    from zoo.cli.quiet import start_keras

    start_keras()
    from zoo.pretrained.packing import move_to_store

    for each in _named(names):
        known = move_to_store(each)
        print(f"{known.name}: {known.archive.name} would have {known.archive.bytes:,} bytes")


def _named(names: list[str] | None) -> list[Trained]:
    from zoo.pretrained import catalog

    return [catalog.get(name) for name in names or catalog.names()]
