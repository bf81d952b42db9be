"""The server's side of a SOCKS5 handshake (RFC 1928): CONNECT without authentication."""

from __future__ import annotations

import asyncio
import ipaddress
import struct

VERSION = 5
NO_AUTHENTICATION = 0
CONNECT = 1
IPV4, NAME, IPV6 = 1, 3, 4
SUCCEEDED, HOST_UNREACHABLE, REFUSED, UNSUPPORTED_COMMAND, UNSUPPORTED_ADDRESS = 0, 4, 5, 7, 8


class HandshakeError(ConnectionError):
    """Not a SOCKS5 client, or it asks for what isn't offered; ``code`` is what it is told."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


async def read_target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """(address or host name, port) that the client wants. Raises ``HandshakeError``, or EOFError when it leaves."""
    version, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    if version != VERSION or NO_AUTHENTICATION not in methods:
        raise HandshakeError("not a SOCKS5 client that does without authentication")
    writer.write(bytes((VERSION, NO_AUTHENTICATION)))
    _, command, _, kind = await reader.readexactly(4)
    if command != CONNECT:
        raise HandshakeError(f"command {command} isn't CONNECT", UNSUPPORTED_COMMAND)
    if kind == IPV4:
        host = str(ipaddress.IPv4Address(await reader.readexactly(4)))
    elif kind == IPV6:
        host = str(ipaddress.IPv6Address(await reader.readexactly(16)))
    elif kind == NAME:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode("ascii", "replace")
    else:
        raise HandshakeError(f"address type {kind}", UNSUPPORTED_ADDRESS)
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return host, port


def answer(writer: asyncio.StreamWriter, code: int) -> None:
    """Tell the client how it went. The bound address, which nobody needs, is given as 0.0.0.0:0."""
    writer.write(struct.pack("!BBBB4sH", VERSION, code, 0, IPV4, bytes(4), 0))
