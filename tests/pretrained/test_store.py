"""Files of shipped weights that are not in the package: from a folder, an archive, or a server on this machine."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from zoo.errors import InputError
from zoo.pretrained import catalog, download, store

NAME = "pocket_sr.x2"
MOST_BYTES = 10 * 10**6  # of all files that the package holds


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the archive of a set whose card alone is known here; nothing is cached, and no checkout helps."""
    packed = catalog.get(NAME)
    archive = tmp_path / "host" / f"{NAME}.zip"
    store.write([packed.path(form) for form in packed.files], archive)
    facts = store.Archive(archive.name, catalog.checksum(archive), archive.stat().st_size)
    card = tmp_path / "cards" / NAME / catalog.CARD
    card.parent.mkdir(parents=True)
    card.write_text(json.dumps(replace(packed, archive=facts).as_dict()), encoding="utf-8")
    monkeypatch.setattr(store, "CHECKOUT", tmp_path / "nowhere")
    monkeypatch.setattr(download, "TRIES_AGAIN", 0)
    monkeypatch.setenv(catalog.ELSEWHERE, str(tmp_path / "cards"))
    monkeypatch.setenv("DENSEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(store.PLACE, raising=False)
    return archive


@pytest.fixture
def host(stored: Path) -> Iterator[str]:
    """The address of a server of that folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

    handler = functools.partial(Quiet, directory=str(stored.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_without_a_store_one_sentence_says_what_to_do(stored: Path) -> None:
    weights = catalog.get(NAME)
    assert weights.file_here() is None
    with pytest.raises(InputError, match=rf"not in the package, and no host offers them yet; .*{NAME}\.zip in DENSEZOO_STORE"):
        weights.path()


def test_a_folder_with_the_archive_or_the_files_is_a_store(stored: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(store.PLACE, str(stored.parent))
    assert catalog.find(f"{NAME}:int8") == tmp_path / "cache" / "store" / NAME / "int8.tflite"
    store.unpack(stored, tmp_path / "files" / NAME)
    monkeypatch.setenv(store.PLACE, str(tmp_path / "files"))
    assert catalog.find(f"{NAME}:int8") == tmp_path / "files" / NAME / "int8.tflite"
    (tmp_path / "files" / NAME / "int8.tflite").write_bytes(b"something else")
    with pytest.raises(InputError, match="damaged: its SHA-256"):
        catalog.find(f"{NAME}:int8")


def test_an_address_is_a_store_and_asked_once(host: str, stored: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(store.PLACE, host)
    first = catalog.find(NAME)
    stored.unlink()
    monkeypatch.delenv(store.PLACE)
    assert catalog.find(NAME) == first == tmp_path / "cache" / "store" / NAME / "weights.npz"


def test_another_archive_is_thrown_away(host: str, stored: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(store.PLACE, host)
    stored.write_bytes(b"another")
    with pytest.raises(InputError, match="gave another file than"):
        catalog.find(NAME)
    stored.unlink()
    with pytest.raises(InputError, match="cannot be fetched"):
        catalog.find(NAME)
    assert not list((tmp_path / "cache").rglob("*.npz"))


def test_the_package_holds_little_and_the_checkout_all() -> None:
    """A wheel stays small, and nobody with a checkout has to fetch."""
    files = [path for path in catalog.FOLDER.rglob("*") if path.suffix in (".npz", ".tflite")]
    total = sum(path.stat().st_size for path in files)
    assert total <= MOST_BYTES, f"{total:,} bytes are packed: zoo weights store NAME moves a set to the store"
    for weights in map(catalog.get, catalog.names()):
        assert all(weights.file_here(form) is not None for form in weights.files), weights.name


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    for weights in map(catalog.get, catalog.names()):
        if weights.archive is not None:
            path = tmp_path / weights.archive.name
            store.write([weights.path(form) for form in weights.files], path)
            assert (path.stat().st_size, catalog.checksum(path)) == (weights.archive.bytes, weights.archive.sha256)
            path.unlink()
