"""``/verify``: what Traefik asks with every request. Plain ASGI, since a framework would cost more than the check."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter
from starlette.types import Message, Receive, Scope, Send

from services.auth.authenticator import Authenticator, credential_of, objection
from services.auth.refusal import INVALID_TOKEN, TENANT_MISMATCH, Refusal, Refused

DECISIONS: Final = Counter("auth_decisions_total", "Requests that /verify decided", ("status",))


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
        authorization = host = None
        method = address = b""
        seen = False
        for name, value in headers:
            if name == b"authorization":
                if authorization is not None:
                    raise Refused(INVALID_TOKEN)
                authorization = value
            elif name == b"x-forwarded-host":
                if host is not None:
                    raise Refused(TENANT_MISMATCH)
                host = value
            elif name == b"x-forwarded-method":
                # Two of them count as one that writes.
                method = b"" if seen else value
                seen = True
            elif name == b"x-forwarded-for":
                address = value
        credential = credential_of(authorization)
        authenticator = self._authenticator
        identity = await authenticator.identify(credential, address.rpartition(b",")[2].strip().decode("latin-1"))
        if host is None or not authenticator.at_home(identity, host.decode("latin-1")):
            raise Refused(TENANT_MISMATCH)
        # Without a method it counts as one that writes.
        against = objection(identity, method.decode("latin-1"))
        if against is not None:
            raise Refused(against)
        return identity.headers


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
