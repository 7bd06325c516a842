"""An HTTP proxy as private networks have them, which ends TLS with a certificate of their own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

#: Hosts of the private network. No name server knows them.
GITHUB, MODEL = "github.internal", "model.internal"


@dataclass
class Proxy:
    """`ports` is where each host is really served on this machine; `asked` has the hosts that
    tunnels were asked for, with their ports. `authority` is the file of the certificate authority
    that vouches for all of them."""

    ports: Mapping[str, int]
    authority: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(
        self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection: CONNECT, then TLS, then what is said within goes to the host's port."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _ = head.split(" ", 2)
            self.asked.append(target)
            port = self.ports.get(target.rpartition(":")[0])
            if method != "CONNECT" or port is None:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.start_tls(context)
            there, to_there = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pass_on(reader, to_there), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def private_proxy(directory: Path, ports: Mapping[str, int]) -> AsyncIterator[Proxy]:
    """A proxy to these hosts, whose certificate is made in the directory."""
    authority, chain = _certificates(directory, [GITHUB, MODEL])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    proxy = Proxy(ports, authority)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await proxy.serve(context, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()


def _certificates(directory: Path, hosts: list[str]) -> tuple[Path, Path]:
    """An authority's certificate, and a key with a certificate for the hosts."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, name = _name("Private CA"), _name(hosts[0])
    # Python 3.13 asks for what RFC 5280 does: key usage, and identifiers of keys.
    usage = dict.fromkeys(_KEY_USAGES, False) | {"key_cert_sign": True}
    ca = (
        _builder(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False
        )
    )
    alternative = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    leaf = (
        _builder(name, ca_name, key)
        .add_extension(alternative, critical=False)
        .add_extension(issuer, critical=False)
    )
    authority, chain = directory / "private-ca.pem", directory / "chain.pem"
    authority.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(secret + leaf.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return authority, chain


_KEY_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
