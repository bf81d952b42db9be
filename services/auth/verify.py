"""``/verify``: what Traefik asks with every request. Plain ASGI, since a framework would cost more than the check."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter
from starlette.types import Message, Receive, Scope, Send

from services.auth.authenticator import Authenticator, credential_of, objection
from services.auth.refusal import TENANT_MISMATCH, Refusal, Refused

DECISIONS: Final = Counter("auth_decisions_total", "Requests that /verify decided", ("status",))


READ: Final = frozenset(
    {b"authorization", b"cookie", b"sec-fetch-site", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-method"}
)
TWICE: Final = b"\0"
"""Is no token, no host and no method."""


class Verify:
    """An ASGI application."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._allowed = DECISIONS.labels("200")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = await self._decide(scope["headers"])
        except Refused as refused:
            DECISIONS.labels(str(refused.refusal.status)).inc()
            await answer(refused.refusal, send)
            return
        self._allowed.inc()
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, _NO_BODY]})
        await send(_EMPTY)

    async def _decide(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        sent = _read(headers)
        credential = credential_of(
            sent.get(b"authorization"), sent.get(b"cookie", b""), sent.get(b"sec-fetch-site", b"")
        )
        authenticator = self._authenticator
        address = sent.get(b"x-forwarded-for", b"").rpartition(b",")[2].strip().decode("latin-1")
        identity = await authenticator.identify(credential, address)
        if not authenticator.at_home(identity, sent.get(b"x-forwarded-host", b"").decode("latin-1")):
            raise Refused(TENANT_MISMATCH)
        method = sent.get(b"x-forwarded-method", b"").decode("latin-1")
        # Without a method it counts as one that writes.
        against = objection(identity, method)
        if against is not None:
            raise Refused(against)
        return identity.headers


def _read(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers that count. What comes twice is worth nothing: two readers might not choose the same one."""
    sent: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in READ:
            sent[name] = TWICE if name in sent else value
    return sent


async def answer(refusal: Refusal, send: Send) -> None:
    """Sends a refusal."""
    body = refusal.body
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_NO_BODY: Final = (b"content-length", b"0")
_EMPTY: Final[Message] = {"type": "http.response.body", "body": b""}
