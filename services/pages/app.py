"""The pages, as HTML to browsers and as JSON to programs. Run by any ASGI server: ``services.pages.app:app``."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True)
class Page:
    """What is said, and with which status."""

    status: int
    error: str
    """For programs (FC-061's form)."""
    title: str
    text: str


UNKNOWN = Page(
    404,
    "Not found",
    "There is nothing here",
    "No workspace is served at this address. Check its spelling, or ask whoever gave it to you.",
)
SUSPENDED = Page(
    402,
    "Tenant suspended",
    "This workspace is suspended",
    "Everything in it can still be read, and nothing is lost. Changes are taken again as soon as the account is "
    "settled: its owner can do so under Billing, or write to support.",
)

_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; color: #222; background: #fafafa; margin: 0 }}
main {{ max-width: 36rem; margin: 18vh auto 0; padding: 0 1.5rem }}
h1 {{ font-size: 1.6rem }}
</style>
</head>
<body><main><h1>{title}</h1><p>{text}</p></main></body>
</html>
"""


def answer(page: Page, request: Request) -> Response:
    """The page in the form that the client asks for; JSON where it doesn't say."""
    headers = {"Cache-Control": "no-store"}
    if "text/html" in request.headers.get("accept", ""):
        html = _HTML.format(title=escape(page.title), text=escape(page.text))
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(html, page.status, {**headers, **policy})
    return JSONResponse({"error": page.error}, page.status, headers)


async def healthy(request: Request) -> Response:
    """For Kubernetes' probes."""
    return JSONResponse({"status": "ok"})


async def suspended(request: Request) -> Response:
    """For what a suspended tenant may not do (FC-269)."""
    return answer(SUSPENDED, request)


async def unknown(request: Request) -> Response:
    """For hosts that nobody serves."""
    return answer(UNKNOWN, request)


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
app = Starlette(
    routes=[
        Route("/health", healthy),
        Route("/suspended", suspended, methods=_METHODS),
        Route("/{path:path}", unknown, methods=_METHODS),
    ]
)
