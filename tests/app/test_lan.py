"""The demo app in the local network: HTTPS with a certificate of the run, no strange hosts, a camera that opens."""

from __future__ import annotations

import http.client
import socket
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from app_visit import NEEDS, Open

import edge
from edge.errors import InputError
from edge.hosting import lan, site
from edge.hosting.server import Server

pytest_plugins = ["app_fixtures"]
pytest.importorskip("cryptography", reason="--lan needs the extra app")
pytest.importorskip("segno", reason="--lan needs the extra app")


@pytest.fixture(scope="module")
def here() -> str:
    try:
        return lan.address()
    except InputError:
        pytest.skip("this machine is in no network")


@pytest.fixture(scope="module")
def made(here: str) -> lan.Certificate:
    return lan.certificate(here)


@pytest.fixture(scope="module")
def running(here: str, made: lan.Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "index.html").write_bytes(b"<!doctype html><title>app</title>")
    with Server(site.site([], dist=folder), here, 0, made) as server:
        yield server


def offered(server: Server, host: str) -> str:
    """The certificate that the server shows, as PEM."""
    return ssl.get_server_certificate((host, server.port), timeout=10)


def ask(server: Server, here: str, host: str) -> int:
    """The status of a request that trusts the server's certificate and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=offered(server, here))
    connection = http.client.HTTPSConnection(here, server.port, timeout=10, context=context)
    connection.putrequest("GET", "/", skip_host=True)
    connection.putheader("Host", host.format(here=here, port=server.port))
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("host", ["{here}:{port}", "localhost:{port}", "127.0.0.1:{port}"])
def test_own_names_are_answered(running: Server, here: str, host: str) -> None:
    assert running.url == f"https://{here}:{running.port}/"
    assert ask(running, here, host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example:{port}", "192.168.77.77:{port}", "0.0.0.0:{port}", "{here}", "{here}:443", "{here}.evil.example:{port}"],
)
def test_strange_hosts_are_refused(running: Server, here: str, host: str) -> None:
    assert ask(running, here, host) == 421


def test_only_the_one_address_listens(running: Server) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", running.port), timeout=5)


def test_certificate_is_of_this_run(running: Server, here: str, made: lan.Certificate) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    shown = x509.load_pem_x509_certificate(offered(running, here).encode())
    assert shown.fingerprint(hashes.SHA256()).hex(":").upper() == running.fingerprint == made.fingerprint
    assert not shown.extensions.get_extension_for_class(x509.BasicConstraints).value.ca, "it may vouch for no other"
    now = datetime.now(UTC)
    assert shown.not_valid_before_utc < now < shown.not_valid_after_utc <= now + lan.VALID
    assert lan.certificate(here).fingerprint != made.fingerprint


def test_no_key_is_left_behind(here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lan.certificate(here)
    assert list(tmp_path.iterdir()) == []


def test_silent_and_plain_visitors_hold_up_nobody(running: Server, here: str) -> None:
    with socket.create_connection((here, running.port), timeout=10), socket.create_connection((here, running.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        plain.settimeout(10)
        assert not plain.recv(64).startswith(b"HTTP/")
        assert ask(running, here, "{here}:{port}") == 200


def test_invitation_has_code_address_and_warning(made: lan.Certificate) -> None:
    import segno

    text = lan.invitation("https://10.1.2.3:8000/", made.fingerprint)
    assert "https://10.1.2.3:8000/" in text and "WARNING" in text
    assert made.fingerprint in text.replace("\n  ", ":", 2).replace(" ", "").replace("SHA-256is:", "")
    side = len(segno.make("https://10.1.2.3:8000/", micro=False).matrix) + 4
    code = text.splitlines()[: (side + 1) // 2]
    assert {len(line) for line in code} == {side}
    assert set("".join(code)) <= set(" █▀▄")
    assert "cannot be installed" in text and "--export" in text
    plain = lan.invitation("https://10.1.2.3:8000/", made.fingerprint, "ascii")
    assert plain.isascii() and "https://10.1.2.3:8000/" in plain


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "segno", None)
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(InputError, match=r"segno.*densezoo\[app\]"):
        lan.invitation("https://10.1.2.3/", "")
    with pytest.raises(InputError, match=r"cryptography.*densezoo\[app\]"):
        lan.certificate("10.1.2.3")


def test_no_network_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unconnected(socket.socket):
        def connect(self, _: object) -> None:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Unconnected)
    with pytest.raises(InputError, match="no address in a local network"):
        lan.address()


def test_command_line(
    here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zoo.cli.demo import demo

    (tmp_path / "index.html").write_bytes(b"")
    monkeypatch.setattr(site, "DIST", tmp_path)
    seen = []
    monkeypatch.setattr(Server, "wait", lambda self: seen.append(offered(self, here)))
    demo(files=None, samples=None, port=0, browser=False, lan=True, export=None)
    assert len(seen) == 1 and f"https://{here}:" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
class TestInBrowser:
    pytestmark = NEEDS

    def test_camera_opens_over_the_network(self, visit: Open, models: dict[str, Path]) -> None:
        with edge.serve([models["float32"]], on_lan=True) as server:
            # Stands for the user who lets the certificate pass, in workers of workers too.
            opened = visit("--ignore-certificate-errors", url=server.url).ready()
            assert opened.page.evaluate("isSecureContext && crossOriginIsolated")
            opened.page.click("#camera")
            opened.frames(beyond=2)

    def test_the_page_says_why_it_cannot_be_installed(self, visit: Open, models: dict[str, Path]) -> None:
        with edge.serve([models["float32"]], on_lan=True) as server:
            # As on a phone whose user lets the certificate pass: good for the page, not for a service worker. The driver lets
            # it pass for the page alone and not for workers of workers, so the network does not get ready here.
            opened = visit(url=server.url, ignore_https_errors=True)
            opened.page.wait_for_selector("#offline:not([hidden])")
            said = opened.page.inner_text("#offline")
            assert "cannot be installed" in said and "certificate" in said and "--export" in said
            assert opened.page.evaluate("navigator.serviceWorker.controller === null && isSecureContext")
            opened.page.click("#language")
            assert "Zertifikat" in opened.page.inner_text("#offline")
            # What the browser itself writes about it cannot be prevented.
            opened.complaints[:] = [line for line in opened.complaints if "SSL certificate error" not in line]
