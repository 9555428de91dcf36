"""`weights="imagenet"` without the network: a server on this machine stands for theirs."""

from __future__ import annotations

import hashlib
import http.server
import importlib
import inspect
import re
import threading
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.pretrained import download
from zoo.pretrained.download import PUBLISHED, fetch
from zoo.pretrained.keras_applications import SOURCES

NAME = "mobilenet_v2_035"


class Server(http.server.ThreadingHTTPServer):
    """Serves one file's bytes under any name, from where it is asked to; `stop_at` breaks the connection there, once."""

    content = b""
    stop_at: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(self.server.content) - start))
        self.end_headers()
        stop, self.server.stop_at = self.server.stop_at, None
        self.wfile.write(self.server.content[start:stop])

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server in the place of theirs, with an empty cache."""
    monkeypatch.setenv("DENSEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "TRIES_AGAIN", 0)
    with Server() as running:
        monkeypatch.setattr(download, "BASE", f"http://127.0.0.1:{running.server_port}/")
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def serve(server: Server, content: bytes, monkeypatch) -> Path:
    """Has the server offer that content for NAME; returns where it will lie in the cache."""
    path = PUBLISHED[NAME][0]
    server.content = content
    monkeypatch.setitem(PUBLISHED, NAME, (path, hashlib.md5(content).hexdigest()))
    return path.rpartition("/")[2]


def test_addresses_and_sums_are_those_of_keras() -> None:
    assert set(PUBLISHED) == set(SOURCES)
    for name, (path, md5) in PUBLISHED.items():
        builder = getattr(keras.applications, SOURCES[name].builder)
        source = inspect.getsource(importlib.import_module(builder.__module__))
        if SOURCES[name].module == "resnet_v2":  # it shares resnet's table
            source = inspect.getsource(importlib.import_module(keras.applications.ResNet50.__module__))
        joined = re.sub(r'"\s*f?"', "", source)  # long strings are written in pieces
        folder, _, file = path.rpartition("/")
        assert download.BASE + folder in joined, name
        if md5 is None:
            assert "hash" not in source, f"{name} has a sum now: write it down"
        else:  # the first sum of each network's pair is that of the whole file
            key = re.escape(_key(file))
            assert re.search(rf'"{key}[^()]*?[(,][^()]*?"{md5}"', source), name


def _key(file: str) -> str:
    """What Keras' source calls the network whose file that is."""
    patterns = r"efficientnet(b\d)", r"weights_mobilenet_v3_(.*)\.h5", r"(resnet\d+(?:v2)?)_", r"((?:vgg|densenet)\d+_.*)"
    for pattern in patterns:
        if found := re.match(pattern, file):
            return found[1]
    raise LookupError(file)


def test_the_published_form_gives_their_numbers(server, monkeypatch, tmp_path) -> None:
    """The published files are of Keras 2's format, `.h5`; once fetched, they are not asked for again."""
    keras.utils.set_random_seed(0)
    theirs = keras.applications.MobileNetV2(alpha=0.35, weights=None, classifier_activation=None)
    generator = np.random.default_rng(0)
    theirs.set_weights([w + generator.uniform(0, 0.05, w.shape) for w in theirs.get_weights()])
    theirs.save(tmp_path / "theirs.h5")
    file = serve(server, (tmp_path / "theirs.h5").read_bytes(), monkeypatch)

    ours = zoo.build(NAME, weights="imagenet")
    images = generator.uniform(0, 255, (1, 224, 224, 3)).astype("float32")
    expected = theirs.predict(images / 127.5 - 1, verbose=0)
    np.testing.assert_allclose(ours.predict(images, verbose=0), expected, atol=1e-5 * np.abs(expected).max())
    assert (tmp_path / "cache" / file).is_file()

    segmenter = zoo.build("unet", classes=2, encoder=NAME, encoder_weights="imagenet")
    first = next(layer for layer in ours.layers if layer.weights)
    np.testing.assert_array_equal(segmenter.get_layer(first.name).get_weights()[0], first.get_weights()[0])
    assert server.ranges == [None]


def test_a_broken_download_goes_on_where_it_stopped(server, monkeypatch) -> None:
    content = np.random.default_rng(0).bytes(3 * download.CHUNK)
    serve(server, content, monkeypatch)
    server.stop_at = 2 * download.CHUNK
    with pytest.raises(zoo.errors.InputError, match="cannot be fetched"):
        fetch(NAME)
    assert fetch(NAME).read_bytes() == content
    assert server.ranges == [None, f"bytes={2 * download.CHUNK}-"]


def test_a_broken_download_is_tried_again_by_itself(server, monkeypatch) -> None:
    monkeypatch.setattr(download, "TRIES_AGAIN", 1)
    content = np.random.default_rng(0).bytes(2 * download.CHUNK)
    serve(server, content, monkeypatch)
    server.stop_at = download.CHUNK
    assert fetch(NAME).read_bytes() == content


def test_another_file_than_the_published_is_thrown_away(server, monkeypatch, tmp_path) -> None:
    file = serve(server, b"theirs", monkeypatch)
    server.content = b"somebody else's"
    with pytest.raises(zoo.errors.InputError, match="MD5 sum"):
        fetch(NAME)
    assert not list((tmp_path / "cache").glob("*"))
    server.content = b"theirs"
    assert fetch(NAME).name == file


def test_offline_says_what_to_do_by_hand(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DENSEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "TRIES_AGAIN", 0)
    monkeypatch.setattr(download, "BASE", "http://127.0.0.1:9/")  # nobody listens on the discard port
    with pytest.raises(zoo.errors.InputError) as caught:
        zoo.build(NAME, weights="imagenet")
    message = str(caught.value)
    file = PUBLISHED[NAME][0]
    assert f"http://127.0.0.1:9/{file}" in message
    assert str(tmp_path / "cache" / file.rpartition("/")[2]) in message
    assert "applications:PATH" in message

    (tmp_path / "cache").mkdir(exist_ok=True)  # by hand: what lies there is taken
    (tmp_path / "cache" / file.rpartition("/")[2]).write_bytes(b"by hand")
    assert fetch(NAME).read_bytes() == b"by hand"


def test_a_network_without_published_weights_is_an_error() -> None:
    with pytest.raises(zoo.errors.InputError, match="resnet50_keras"):
        fetch("resnet50")
