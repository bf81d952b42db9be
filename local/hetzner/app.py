"""The HTTP side: who asks, how often, and in what form errors are told."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from local.hetzner.api import Handler, routes
from local.hetzner.context import Context, World
from local.hetzner.control import control_routes
from local.hetzner.errors import ApiError
from local.hetzner.faults import CutConnection, FailingRequest
from local.hetzner.projects import NOBODY
from local.hetzner.resources.base import Answer, Call

PREFIX = "/v1"
log = logging.getLogger(__name__)
# Ends the connection of a request, by the client's address.
Cutter = Callable[[Any], None]


def make_app(world: World, control_token: str, cut: Cutter, **settings: Any) -> Starlette:
    """The application. Every request is handled at once and alone: the loop's thread is the only one that touches
    the state."""
    api = [
        HttpRoute(f"{PREFIX}{route.path}", partial(_endpoint, world, cut, route.handlers), methods=list(route.handlers))
        for route in routes()
    ]
    return Starlette(
        routes=[*api, *control_routes(world, control_token)],
        exception_handlers={HTTPException: partial(_unknown_path, world)},
        **settings,
    )


async def _endpoint(world: World, cut: Cutter, handlers: dict[str, Handler], request: Request) -> Response:
    body = await request.body()
    headers = {"X-Correlation-Id": secrets.token_hex(8)}
    try:
        project = _admit(world, request, headers)
        fault = world.faults.on_request(request.method, request.url.path.removeprefix(PREFIX))
        if isinstance(fault, FailingRequest):
            raise fault.error()
        if isinstance(fault, CutConnection) and fault.when == "before":
            return await _cut(cut, request)
        with world.state.transaction():
            context = Context.of(world, project)
            context.actions.advance()
        with world.state.transaction():
            context = Context.of(world, project)
            answer = handlers["GET" if request.method == "HEAD" else request.method](context, _call(request, body))
        if fault is not None:
            return await _cut(cut, request)
    except ApiError as error:
        return _error(error, headers)
    except Exception:
        log.exception("%s %s", request.method, request.url.path)
        return _error(ApiError("server_error", "the emulator has a defect; its log tells which"), headers)
    finally:
        if world.faults.any():
            world.faults.save()
    return _response(answer, headers)


def _admit(world: World, request: Request, headers: dict[str, str]) -> str:
    """The project that the request's token opens. Raises ``ApiError``; every request counts, refused ones too."""
    access = world.projects.identify(request.headers.get("Authorization"))
    with world.state.transaction():
        budget, allowed = world.projects.spend(access.project if access else NOBODY, world.clock.now())
    headers.update(budget.headers())
    if not allowed:
        raise ApiError("rate_limit_exceeded", "limit of requests per hour reached")
    if access is None:
        raise ApiError("unauthorized", "unable to authenticate")
    if access.read_only and request.method not in ("GET", "HEAD"):
        raise ApiError("token_readonly", "the token is only allowed to perform GET requests")
    return access.project


def _call(request: Request, body: bytes) -> Call:
    try:
        content = json.loads(body) if body else None
    except ValueError as error:
        raise ApiError("json_error", "invalid JSON in the request's body") from error
    url = str(request.url.replace(query=""))
    return Call(url, request.path_params, parse_qs(request.url.query, keep_blank_values=True), content)


def _response(answer: Answer, headers: dict[str, str]) -> Response:
    headers = {**headers, **answer.headers}
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    return JSONResponse(answer.body, answer.status, headers)


def _error(error: ApiError, headers: dict[str, str]) -> Response:
    body = error.body()
    body["error"]["correlation_id"] = headers["X-Correlation-Id"]
    return JSONResponse(body, error.status, headers)


async def _cut(cut: Cutter, request: Request) -> Response:
    cut(request.client)
    # The loop drops the connection in its next round; until then an answer could still leave.
    await asyncio.sleep(0.01)
    return Response(status_code=503)


async def _unknown_path(world: World, request: Request, exception: Exception) -> Response:
    headers = {"X-Correlation-Id": secrets.token_hex(8)}
    try:
        _admit(world, request, headers)
    except ApiError as error:
        return _error(error, headers)
    if isinstance(exception, HTTPException) and exception.status_code == 405:
        return _error(ApiError("method_not_allowed", "the request method is not allowed"), headers)
    return _error(ApiError("not_found", "the requested resource was not found"), headers)
