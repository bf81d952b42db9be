"""The ASGI application: /verify by itself, everything else by FastAPI."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import make_asgi_app
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.auth.api import audit, keys, sessions, users
from services.auth.api.request import service_of
from services.auth.database import bounded
from services.auth.refusal import Refused
from services.auth.service import Service
from services.auth.settings import Settings
from services.auth.verify import Verify, answer

MAX_BODY_BYTES: Final = 64 * 1024
REQUEST_SECONDS: Final = 5.0
"""An endpoint of the identity API has so long; the longest, a login, takes some 0.1 s."""
KEY_SET_SECONDS: Final = 300
"""How long the published key set may be cached."""


def create(settings: Settings) -> ASGIApp:
    """The application of one replica."""
    service = Service(settings)
    return Dispatch(Verify(service.authenticator), identity_api(service))


class Dispatch:
    """Sends /verify past the framework, and bodies that are too large away."""

    def __init__(self, verify: ASGIApp, others: ASGIApp) -> None:
        self._verify, self._others = verify, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == "/verify":
                await self._verify(scope, receive, send)
                return
            await answer_in_time(self._others, scope, _limited(receive), send)
            return
        await self._others(scope, receive, send)


async def answer_in_time(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers UNAVAILABLE for ``app`` when it takes longer than REQUEST_SECONDS."""
    started = late = False

    async def sending(message: Message) -> None:
        nonlocal started
        if not late:
            started = True
            await send(message)

    try:
        await bounded(_run(app, scope, receive, sending), REQUEST_SECONDS)
    except Refused as refused:
        late = True
        if not started:
            await answer(refused.refusal, send)


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


def _limited(receive: Receive) -> Receive:
    received = 0

    async def counting() -> Any:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise HTTPException(413, "Request too large")
        return message

    return counting


def identity_api(service: Service) -> FastAPI:
    """Everything but /verify; its OpenAPI document is kept in openapi.json."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="Identity API",
        version="1",
        description="Login, API keys, users and the audit log of tenants.",
        lifespan=lifespan,
        openapi_url="/auth/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    for part in (sessions, keys, users, audit):
        app.include_router(part.router)
    app.add_api_route("/.well-known/jwks.json", _key_set, include_in_schema=False)
    app.add_api_route("/health", _health, include_in_schema=False)
    app.add_api_route("/ready", _ready, include_in_schema=False)
    app.mount("/metrics", make_asgi_app())
    app.add_exception_handler(Refused, _refuse)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def _key_set(request: Request) -> Response:
    keys = service_of(request).authenticator.ring.public()
    return JSONResponse(keys, headers={"cache-control": f"public, max-age={KEY_SET_SECONDS}"})


def _health() -> Response:
    return Response()


def _ready(request: Request) -> Response:
    return Response(status_code=200 if service_of(request).ready else 503)


def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    refusal = error.refusal
    headers = {name.decode(): value.decode() for name, value in refusal.headers}
    return JSONResponse({"error": refusal.error}, refusal.status, headers)


def _invalid(_: Request, error: Exception) -> Response:
    # FastAPI's own answer repeats what was sent, passwords too.
    assert isinstance(error, RequestValidationError)
    fields = [{"field": ".".join(map(str, part["loc"])), "reason": part["msg"]} for part in error.errors()]
    return JSONResponse({"error": "Invalid request", "fields": fields}, 422)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # Starlette names the methods of the first route that has the path; there may be more.
        paths = request.app.openapi()["paths"]
        allowed = {
            method.upper()
            for path, methods in paths.items()
            for method in methods
            if compile_path(path)[0].match(request.url.path)
        }
        headers["allow"] = ", ".join(sorted(allowed)) or headers.get("allow", "")
    return JSONResponse({"error": error.detail}, error.status_code, headers)
