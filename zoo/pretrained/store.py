"""The store: where the files of shipped weights lie that the package does not hold, one archive a set.

Every set's card is in the package. Small sets have their files beside it; of the others the card names an archive, a zip of the
files, with its checksum. They are looked for in this order:

1. `DENSEZOO_STORE`: a folder, or the http address of one. In a folder a set is NAME.TAG/ with its files, or NAME.TAG.zip;
2. `store/` of a checkout, beside the packages;
3. what was fetched before, in the user's cache folder of densezoo (or `$DENSEZOO_CACHE`);
4. the card's own `url`. There is none yet: no host offers these files, and who has no checkout names a store.

What comes over the network is held to the archive's SHA-256, and what is opened to each file's (`Trained.path`).
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import InputError

PLACE = "DENSEZOO_STORE"
CHECKOUT = Path(__file__).parents[2] / "store"
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry: the same files give the same archive
_SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Archive:
    """The archive of a set: its name, SHA-256 and size in bytes, and the address that it may be fetched from, if any."""

    name: str
    sha256: str
    bytes: int
    url: str | None = None


def folders() -> Iterator[Path]:
    """The folders that sets are looked for in, those that exist; the cache's is asked for when the others have been."""
    place = os.environ.get(PLACE, "")
    named = [Path(place)] if place and not place.startswith(_SCHEMES) else []
    yield from (folder for folder in (*named, CHECKOUT) if folder.is_dir())
    kept = cache()
    if kept is not None and kept.is_dir():
        yield kept


def cache() -> Path | None:
    """The folder of what was fetched; None where pooch, which fetches, is not installed."""
    try:
        import pooch
    except ModuleNotFoundError:
        return None
    return Path(os.environ.get("DENSEZOO_CACHE") or pooch.os_cache("densezoo")) / "store"


def find(name: str, file: str) -> Path | None:
    """A file of a set in one of the folders; None where it is in none of them."""
    for folder in folders():
        if (folder / name / file).is_file():
            return folder / name / file
        if (folder / f"{name}.zip").is_file() and (kept := cache()) is not None:
            return unpack(folder / f"{name}.zip", kept / name) / file
    return None


def fetch(name: str, archive: Archive) -> Path:
    """Fetches the archive of a set into the cache and unpacks it there; the folder of its files.

    Raises:
        InputError: if no address is known, or what comes from it is not that archive. The message says what to do.
    """
    place = os.environ.get(PLACE, "")
    url = f"{place.rstrip('/')}/{archive.name}" if place.startswith(_SCHEMES) else archive.url
    advice = f"name a folder or an address that has {archive.name} in {PLACE}, as the folder store/ of a checkout of densezoo"
    if url is None:
        raise InputError(f"the files of {name} are not in the package, and no host offers them yet; {advice}")
    import pooch
    import requests

    from zoo.pretrained import download

    folder = cache()
    source = pooch.create(
        path=folder,
        base_url="",
        registry={archive.name: f"sha256:{archive.sha256}"},
        urls={archive.name: url},
        retry_if_failed=download.TRIES_AGAIN,
    )
    try:
        path = source.fetch(archive.name, downloader=download.resume)
    except (requests.exceptions.RequestException, OSError) as error:
        reason = type(error).__name__ if isinstance(error, requests.exceptions.ConnectionError) else error
        raise InputError(f"{url} cannot be fetched ({reason}); {advice}") from error
    except ValueError as error:  # pooch's word for a wrong sum
        raise InputError(f"{url} gave another file than {name}'s, thrown away; {advice}") from error
    return unpack(Path(path), folder / name)


def unpack(path: Path, folder: Path) -> Path:
    """Unpacks an archive's files, which lie in no folder inside it, into a folder; gives that. What is there already stays.

    Raises:
        InputError: for a broken archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename == Path(entry.filename).name]
            folder.mkdir(parents=True, exist_ok=True)
            for entry in entries:
                target = folder / entry.filename
                if _is_unpacked(entry, target):
                    continue
                unfinished = folder / f".part.{os.getpid()}.{entry.filename}"
                unfinished.write_bytes(archive.read(entry))
                os.replace(unfinished, target)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} cannot be unpacked ({error}); delete it and fetch it again") from error
    return folder


def _is_unpacked(entry: zipfile.ZipInfo, target: Path) -> bool:
    same_size = target.is_file() and target.stat().st_size == entry.file_size
    return same_size and zlib.crc32(target.read_bytes()) == entry.CRC


def write(files: Iterable[Path], path: Path) -> None:
    """Writes the archive of these files, as they are: the same files give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".part.{path.name}")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(files, key=lambda file: file.name):
            entry = zipfile.ZipInfo(file.name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, file.read_bytes())
    os.replace(unfinished, path)
