"""The demo app's server and its static export: what they serve, and all that they refuse."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import edge
from edge.errors import InputError
from edge.hosting import site
from edge.hosting.server import LONGEST_ADDRESS, Server, serve

SHELL = {
    "index.html": b"<!doctype html><title>app</title>",
    "app.js": b"export {};",
    "service-worker.js": b"",
    "wasm/litert.wasm": b"\0asm\1\0\0\0",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from colour_model import write_model

    return write_model(tmp_path_factory.mktemp("model") / "my café model.tflite")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stand-in for the built app, with a file beside it that nobody may get."""
    folder = tmp_path_factory.mktemp("app")
    for name, content in SHELL.items():
        (folder / "dist" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "dist" / name).write_bytes(content)
    (folder / "secret.txt").write_text("secret")
    yield folder / "dist"


@pytest.fixture(scope="module")
def server(built: Path, model: Path) -> Iterator[Server]:
    files = site.site([model], dist=built)
    with Server(files, "127.0.0.1", 0) as running:
        yield running


def ask(
    server: Server, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers in lower case, content) of one request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    for key, value in {"Host": f"127.0.0.1:{server.port}", **headers}.items():
        connection.putheader(key, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {key.lower(): value for key, value in answer.getheaders()}, content


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/wasm/litert.wasm", "application/wasm"),
        ("/models.json", "application/json"),
        ("/models/0/my-cafe-model.tflite?v=anything", "application/octet-stream"),
    ],
)
def test_serves_with_type_and_policy(server: Server, path: str, kind: str) -> None:
    status, headers, content = ask(server, path)
    assert (status, headers["content-type"]) == (200, kind)
    assert int(headers["content-length"]) == len(content) > 0
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy
    status, head, content = ask(server, path, "HEAD")
    assert (status, head["content-length"], content) == (200, headers["content-length"], b"")


def test_lists_the_model_with_its_card(server: Server, model: Path) -> None:
    listed = json.loads(ask(server, "/models.json")[2])["models"][0]
    assert listed["file"] == "my café model.tflite"
    card = json.dumps(listed["card"])
    for fact in ('"labels": ["background", "brick", "person", "water", "straw"]', '"size": [96, 128]', '"range": [0.0, 255.0]'):
        assert fact in card
    assert ask(server, "/" + listed["url"])[2] == model.read_bytes()


def test_unchanged_file_is_not_sent_again(server: Server) -> None:
    mark = ask(server, "/app.js")[1]["etag"]
    assert ask(server, "/app.js", **{"If-None-Match": mark})[::2] == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/wasm/../../secret.txt",
        "/wasm/%2e%2e/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "/wasm\\..\\..\\secret.txt",
        "http://127.0.0.1/../secret.txt",
        "/index.html%00.png",
        "secret.txt",
    ],
)
def test_traversal_is_refused(server: Server, path: str) -> None:
    status, _, content = ask(server, path)
    assert status == 400
    assert b"secret" not in content


@pytest.mark.parametrize(
    "path",
    ["/secret.txt", "//secret.txt", "/wasm", "/wasm/", "/models/1/x.tflite", "/models/0/", "/INDEX.HTML", "/etc/passwd"],
)
def test_what_is_not_on_the_list_is_not_there(server: Server, path: str) -> None:
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1:1", "localhost.evil.example:{port}", "me@127.0.0.1:{port}", "", "[::1"],
)
def test_strange_hosts_are_refused(server: Server, host: str) -> None:
    assert ask(server, "/", Host=host.format(port=server.port))[0] == 421


@pytest.mark.parametrize("host", ["localhost:{port}", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}"])
def test_own_names_are_answered(server: Server, host: str) -> None:
    assert ask(server, "/", Host=host.format(port=server.port))[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_only_reading(server: Server, method: str) -> None:
    status, headers, _ = ask(server, "/models.json", method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


def test_bodies_are_refused_unread(server: Server) -> None:
    assert ask(server, "/", body=b"x" * 10, **{"Content-Length": "10"})[0] == 413
    assert ask(server, "/", **{"Content-Length": str(10**12)})[0] == 413
    assert ask(server, "/", **{"Transfer-Encoding": "chunked"})[0] == 413


def test_oversized_requests_are_refused(server: Server) -> None:
    assert ask(server, "/" + "a" * LONGEST_ADDRESS)[0] == 414
    assert ask(server, "/" + "a" * 70_000)[0] == 414
    assert ask(server, "/", **{f"X-{index}": "y" for index in range(200)})[0] == 431
    assert ask(server, "/", **{"X-Long": "y" * 70_000})[0] == 431


def test_two_hosts_are_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nHost: evil.example\r\n\r\n".encode())
        assert line.recv(64).startswith(b"HTTP/1.1 421")


def test_model_that_went_away_is_not_found(built: Path, model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model.tflite"
    copy.write_bytes(model.read_bytes())
    with Server(site.site([copy], dist=built), "127.0.0.1", 0) as running:
        copy.unlink()
        assert ask(running, "/models/0/model.tflite")[0] == 404


def test_closed_server_answers_nobody(built: Path, model: Path) -> None:
    running = Server(site.site([model], dist=built), "127.0.0.1", 0)
    running.close()
    running.wait()
    with pytest.raises(OSError, match="refused"):
        ask(running, "/")


def test_taken_port_is_a_clear_error(server: Server, built: Path, model: Path) -> None:
    with pytest.raises(InputError, match=f"port {server.port}"):
        Server(site.site([model], dist=built), "127.0.0.1", server.port)


def test_bad_input_is_a_clear_error(built: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make app"):
        site.site([model], dist=tmp_path / "nothing")
    for paths, message in [
        ([tmp_path / "absent.tflite"], "absent.tflite"),
        ([tmp_path], "not a file"),
        ([built / "app.js"], "app.js"),
    ]:
        with pytest.raises(InputError, match=message):
            site.site(paths, dist=built)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for sample in (tmp_path / "broken.png", tmp_path / "absent.png", tmp_path / "notes.txt"):
        with pytest.raises(InputError, match=sample.name):
            site.site([model], [sample], dist=built)


def test_unbuilt_app_says_how_to_build_it(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "DIST", tmp_path)
    with pytest.raises(InputError, match="make app"):
        serve([model])
    with pytest.raises(InputError, match="make app"):
        edge.export_app(tmp_path / "out", [model])


def test_export_is_the_served_site(built: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "DIST", built)
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red_square.png")
    folder = tmp_path / "site"
    assert edge.export_app(folder, [model], [tmp_path / "red_square.png"]) == folder / "index.html"
    for name, content in SHELL.items():
        assert (folder / name).read_bytes() == content
    listing = json.loads((folder / "models.json").read_text())
    assert (folder / listing["models"][0]["url"].split("?")[0]).read_bytes() == model.read_bytes()
    assert listing["samples"] == [{"name": "red square", "url": "samples/0.png"}]
    # Once more, now with other contents: what the first export left of models and samples goes.
    edge.export_app(folder, [model])
    assert not (folder / "samples").exists()


def test_export_spares_folders_that_hold_something_else(
    model: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "DIST", built)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="not empty"):
        edge.export_app(tmp_path, [model])
    with pytest.raises(InputError, match="is a file"):
        edge.export_app(tmp_path / "thesis.tex", [model])
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
