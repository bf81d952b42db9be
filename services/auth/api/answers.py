"""The refusals that endpoints declare in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from services.auth.api.models import InvalidRequest, Problem

TEXTS = {
    400: "The request can't be read",
    401: "No token, or one that isn't valid",
    402: "The tenant is suspended",
    403: "Not allowed, or another tenant's",
    404: "There is no such thing in this tenant",
    409: "It contradicts what is there",
    413: "The request is too large",
    422: "A field is wrong",
    429: "Too many attempts; Retry-After says when to try again",
    503: "The database can't be asked",
}
ALWAYS = (413, 503)
WITH_BODY = (400, 422)
WITH_TOKEN = (401, 402, 403, 429)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of an endpoint."""
    return {
        status: {"model": InvalidRequest if status == 422 else Problem, "description": TEXTS[status]}
        for status in sorted({*ALWAYS, *statuses})
    }
