"""Serves the demo app: read-only, from a fixed list of files, to this machine alone unless asked for more."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import webbrowser
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from edge.errors import InputError
from edge.hosting import lan
from edge.hosting.site import Content, site

LONGEST_ADDRESS = 2048  # characters of a request's path; the app's own are below 100
IDLE_SECONDS = 30

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".tflite": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
        "img-src 'self' blob:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    # Together these isolate the page, which is what a browser asks of one that wants WebAssembly threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class Server:
    """A running demo server. `url` is where the app is; close it, or use it in a `with`.

    With a `certificate` it speaks HTTPS only, and `fingerprint` is the certificate's SHA-256; empty without one.
    """

    def __init__(
        self, files: Mapping[str, Content], host: str, port: int, certificate: lan.Certificate | None = None
    ) -> None:
        own = {"files": dict(files), "bound": host, "usual_port": 443 if certificate else 80}
        handler = type("DemoHandler", (_Handler,), own)
        http = _HttpServer6 if ":" in host else _HttpServer
        try:
            self._http = http((host, port), handler)
        except OSError as error:
            raise InputError(f"cannot serve at {host} port {port}: {error.strerror or error}") from error
        if certificate:
            # The handshake waits for the first read, in the connection's own thread: a silent visitor holds up nobody.
            self._http.socket = certificate.context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._http.server_address[1])
        self.fingerprint = certificate.fingerprint if certificate else ""
        name = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if certificate else 'http'}://{name}:{self.port}/"
        self._thread = Thread(target=self._http.serve_forever, name="densezoo-demo", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Returns when the server was closed; an interrupt (Ctrl+C) closes it."""
        try:
            while self._thread.is_alive():
                self._thread.join(timeout=0.5)
        except KeyboardInterrupt:
            self.close()

    def close(self) -> None:
        """Stops answering and frees the port."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(
    paths: Sequence[str | Path],
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = False,
    *,
    samples: Sequence[str | Path] = (),
    on_lan: bool = False,
) -> Server:
    """Serves the demo app with the given `.tflite` files; returns at once. Port 0 takes a free one.

    `samples` are pictures for the app's gallery. The server answers only requests addressed to this machine by name or
    number, only GET and HEAD, and only for the files of the app. `on_lan` serves this machine's address in the local
    network instead of `host`, over HTTPS with a certificate made for this run: `edge.hosting.lan.invitation` tells
    the phone's owner.

    Raises InputError when the app is not built, a file is missing or no model, the port is taken, or for `on_lan` without
    a network or the packages of the extra `app`.
    """
    files = site(paths, samples)
    if on_lan:
        host = lan.address()
    server = Server(files, host, port, lan.certificate(host) if on_lan else None)
    if open_browser:
        webbrowser.open(server.url)
    return server


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away in the middle of an answer is nothing to report."""


class _HttpServer6(_HttpServer):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    files: dict[str, Content]
    bound: str
    usual_port: int
    protocol_version = "HTTP/1.1"
    server_version = "densezoo"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def __getattr__(self, name: str) -> object:
        # The base class asks for do_METHOD by name; every other method gets the same refusal.
        if name.startswith("do_"):
            return lambda: self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Nothing is logged: what a visitor does is theirs."""

    def _answer(self, body: bool) -> None:
        objection = self._objection()
        if objection is not None:
            self._refuse(objection)
            return
        name = _name(self.path) or ""
        try:
            source, length, mark = _opened(self.files[name])
        except (KeyError, OSError):
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with source:
            self._send(name, source, length, mark, body)

    def _objection(self) -> HTTPStatus | None:
        """Why this request gets no answer, whatever it asks for."""
        reached, port = self.connection.getsockname()[:2]
        name = _host(self.headers.get_all("Host", []), port, self.usual_port)
        # Another name that resolves to this machine is a page elsewhere trying its luck.
        if name is None or not (_is_loopback(name) or name in (self.bound, reached)):
            return HTTPStatus.MISDIRECTED_REQUEST
        if self.headers.get("Transfer-Encoding") or self.headers.get("Content-Length", "0").strip() != "0":
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if len(self.path) > LONGEST_ADDRESS:
            return HTTPStatus.REQUEST_URI_TOO_LONG
        return HTTPStatus.BAD_REQUEST if _name(self.path) is None else None

    def _send(self, name: str, source: BinaryIO, length: int, mark: str, body: bool) -> None:
        unchanged = bool(mark) and self.headers.get("If-None-Match") == mark
        self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK)
        if mark:
            self.send_header("ETag", mark)
        if not unchanged:
            self.send_header("Content-Type", TYPES.get(Path(name).suffix.lower(), "application/octet-stream"))
            self.send_header("Content-Length", str(length))
        self._end()
        if body and not unchanged:
            shutil.copyfileobj(source, self.wfile)

    def _refuse(self, status: HTTPStatus, headers: Mapping[str, str] | None = None) -> None:
        # A refused request may have a body behind it, which is not read: the connection ends here.
        self.close_connection = True
        text = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self._end()
        if self.command != "HEAD":
            self.wfile.write(text)

    def _end(self) -> None:
        for key, value in HEADERS.items():
            self.send_header(key, value)
        self.end_headers()


def _opened(content: Content) -> tuple[BinaryIO, int, str]:
    """(stream, bytes, ETag) of a file of the site."""
    if isinstance(content, bytes):
        return BytesIO(content), len(content), ""
    status = content.stat()
    return content.open("rb"), status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'


def _name(target: str) -> str | None:
    """The site's file that a request's target names, or None for a target that no browser would send."""
    if not target.startswith("/") or target.startswith("//"):
        return None
    path = unquote(urlsplit(target).path)
    if "\\" in path or "\x00" in path or any(part in (".", "..") for part in path.split("/")):
        return None
    return path[1:] or "index.html"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(headers: Sequence[str], port: int, usual: int) -> str | None:
    """The name in a request's Host header, or None where that is no header of a request to this `port`."""
    if len(headers) != 1:
        return None
    try:
        parts = urlsplit(f"//{headers[0]}")
        name, own = parts.hostname, parts.port
    except ValueError:
        return None
    return None if (own or usual) != port or parts.username is not None or parts.path else name
