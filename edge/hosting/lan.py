"""The demo app in the local network: this machine's address there, a certificate of its own, a QR code for the phone.

Browsers give a page the camera only over HTTPS, and no authority certifies an address of a local network. So a certificate
is made for each run, its key never leaves the process's memory and a temporary file, and the browser asks its user about it.
Browsers take no service worker from such a page, whatever the user answers: it cannot be installed nor used offline. It says so
itself; `edge.export_app` on a host with a certificate of its own can do both.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import socket
import ssl
import tempfile
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from edge.errors import InputError

VALID = datetime.timedelta(days=7)
# Nothing is sent there: connecting a datagram socket only asks the system which of its addresses it would send from.
_ANYWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for one address. `fingerprint` is its SHA-256, as browsers show it."""

    context: ssl.SSLContext
    fingerprint: str


def address() -> str:
    """This machine's address in its local network.

    Raises InputError when there is no network.
    """
    for family, target in _ANYWHERE.items():
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
                address = str(probe.getsockname()[0])
            except OSError:
                continue
        if not ipaddress.ip_address(address).is_loopback:
            return address
    raise InputError("this machine has no address in a local network; connect it to the phone's network and try again")


def certificate(host: str) -> Certificate:
    """A new certificate for `host`, an address in numbers, and for this machine itself.

    Raises InputError when the package `cryptography` is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise _missing("cryptography") from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"densezoo demo at {host}")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address(number)) for number in dict.fromkeys((host, "127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A phone's clock may be a little behind.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([*names, x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    digest = hashlib.sha256(signed.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    fingerprint = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
    return Certificate(_context(signed.public_bytes(serialization.Encoding.PEM) + secret), fingerprint)


def _context(pem: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # The ssl module reads keys from files only; this one is the owner's alone, and gone at once.
    with tempfile.TemporaryDirectory(prefix="densezoo-") as folder:
        path = Path(folder) / "demo.pem"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        context.load_cert_chain(path)
    return context


def invitation(url: str, fingerprint: str, encoding: str = "utf-8") -> str:
    """The text to print for whoever holds the phone: a QR code, the address, and what they are getting into.

    The code is left out where the terminal's `encoding` lacks its blocks.

    Raises InputError when the package `segno` is not installed.
    """
    try:
        import segno
    except ImportError as error:
        raise _missing("segno") from error
    drawn = StringIO()
    segno.make(url, micro=False).terminal(drawn, border=2, compact=True)
    code = drawn.getvalue()
    try:
        code.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        code = ""
    return (
        f"{code}\n{url}\n\n"
        "WARNING: until this ends, everyone in this network can open the page and fetch its models.\n"
        "Pictures and the camera stay on the device that opens it.\n"
        "The phone will warn of an unknown certificate: it was made for this run alone. Go on only if its SHA-256 is\n"
        f"  {fingerprint[:47]}\n  {fingerprint[48:]}\n"
        "The page cannot be installed on the phone this way, nor used offline: zoo demo --export makes a copy that can.\n"
    )


def _missing(package: str) -> InputError:
    return InputError(f"--lan needs the package {package}, which is not installed: pip install 'densezoo[app]'")
