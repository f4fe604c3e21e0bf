"""A web on loopback: names, public addresses and servers that behave as they are told, and a trap for everything else.

``resolve`` and ``route`` go into a ``Network``. A connection to an address that is not one of ``PUBLIC`` lands on a
listener of this machine that serves nothing and is counted: it must not be made.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

PUBLIC = ("93.184.215.14", "93.184.215.15", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
Answer = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes | str = b"", *, status: str = "200 OK", kind: str = "text/html", **headers: str) -> bytes:
    """An answer as it goes over the wire."""
    data = body.encode() if isinstance(body, str) else body
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    typed = f"Content-Type: {kind}\r\n" if kind else ""
    return f"HTTP/1.1 {status}\r\n{typed}{more}Content-Length: {len(data)}\r\n\r\n".encode() + data


def redirect(place: str, status: str = "302 Found") -> bytes:
    """An answer that sends one elsewhere."""
    return answer(status=status, Location=place)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await reader.read()


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    scheme: str
    path: str
    headers: dict[str, str]


@dataclass
class LoopbackWeb:
    """Attributes are set by tests; what happened is in ``requests`` and ``trapped``."""

    names: dict[str, Sequence[str]] = field(default_factory=dict)
    pages: dict[str, Answer] = field(default_factory=dict)
    otherwise: Answer = b""
    requests: list[Request] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    trapped: list[str] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    trust: ssl.SSLContext | None = None

    def resolve(self, name: str) -> Sequence[str]:
        """The addresses of a name."""
        self.looked_up.append(name)
        if name not in self.names:
            raise OSError("no such name")
        return self.names[name]

    def route(self, address: str, port: int) -> tuple[str, int]:
        """Where a connection to an address really goes."""
        if address in PUBLIC:
            return "127.0.0.1", self.ports["https" if port in (443, 8443) else "http"]
        return ("::1", self.ports["trap6"]) if ":" in address else ("127.0.0.1", self.ports["trap4"])

    async def serve(self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            path = head[0].split(" ")[1]
            self.requests.append(Request(scheme, path, headers))
            told = self.pages.get(headers["host"] + path, self.pages.get(path, self.otherwise))
            if isinstance(told, bytes):
                writer.write(told)
                await writer.drain()
            else:
                await told(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side has had enough
        finally:
            writer.close()

    async def trap(self, where: str, writer: asyncio.StreamWriter) -> None:
        """Count a connection that must not be."""
        self.trapped.append(where)
        writer.close()


@asynccontextmanager
async def loopback_web(*certified: str) -> AsyncIterator[LoopbackWeb]:
    """Start the servers; ``certified`` are the names for which the certificate is good."""
    web = LoopbackWeb(otherwise=answer("<title>Fine</title><p>hello"))
    identity, web.trust = certificate(certified or ("ok.example",))
    busy: set[asyncio.Task[None]] = set()

    async def start(name: str, host: str, context: ssl.SSLContext | None = None) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving = web.trap(name, writer) if name.startswith("trap") else web.serve(name, reader, writer)
            task = asyncio.ensure_future(serving)
            busy.add(task)
            task.add_done_callback(busy.discard)

        server = await asyncio.start_server(connected, host, 0, ssl=context)
        web.ports[name] = server.sockets[0].getsockname()[1]
        return server

    servers = [await start("http", "127.0.0.1"), await start("https", "127.0.0.1", identity)]
    servers.append(await start("trap4", "127.0.0.1"))
    try:
        servers.append(await start("trap6", "::1"))
    except OSError:  # a machine without IPv6
        web.ports["trap6"] = web.ports["trap4"]
    try:
        yield web
    finally:
        for server in servers:
            server.close()
        if busy:  # they end when they see that nobody listens any more
            await asyncio.wait(busy, timeout=2)


def certificate(names: Sequence[str]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's identity that is good for ``names``, and the trust of a client that believes it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "both.pem").write_bytes(private + public)
        identity.load_cert_chain(Path(folder) / "both.pem")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.load_verify_locations(cadata=public.decode())
    return identity, trust
