"""What a pod of the sandbox answers."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

STATUS_HEADER = "x-echo-status"
DELAY_HEADER = "x-echo-delay"
"""Seconds."""
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def healthy(request: Request) -> Response:
    """The probes' paths (FC-254)."""
    return JSONResponse({"status": "ok"})


async def echo(request: Request) -> Response:
    """The request as it came through the gateway, and which pod it reached.

    The headers ``X-Echo-Status`` and ``X-Echo-Delay`` ask for a status and for a wait: a pod that fails or is slow.
    """
    size = 0
    async for part in request.stream():
        size += len(part)
    await asyncio.sleep(float(request.headers.get(DELAY_HEADER, "0")))
    return JSONResponse(
        {
            **request.state.pod,
            "method": request.method,
            "path": request.scope["raw_path"].decode("latin-1"),
            "query": request.url.query,
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw],
            "body_bytes": size,
        },
        status_code=int(request.headers.get(STATUS_HEADER, "200")),
    )


app = Starlette(
    routes=[
        Route("/health", healthy),
        Route("/ready", healthy),
        Route("/{path:path}", echo, methods=METHODS),
    ]
)
