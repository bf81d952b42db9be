"""Errors of the API, as its documentation names them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

# Status by code, from the vendor's tables of errors. Codes that belong to one operation are 422 unless named here.
STATUS = {
    "json_error": 400,
    "unauthorized": 401,
    "token_readonly": 401,
    "forbidden": 403,
    "maintenance": 403,
    "resource_limit_exceeded": 403,
    "not_found": 404,
    "firewall_resource_not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "uniqueness_error": 409,
    "deprecated_api_endpoint": 410,
    "resource_unavailable": 412,
    "primary_ip_version_mismatch": 412,
    "source_port_already_used": 412,
    "locked": 423,
    "protected": 423,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "bad_gateway": 502,
    "unavailable": 503,
    "timeout": 504,
}
UNPROCESSABLE = 422


class ApiError(Exception):
    """A request that is refused. ``status`` defaults to what the documentation says of ``code``."""

    def __init__(
        self, code: str, message: str, details: dict[str, Any] | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.status = status or STATUS.get(code, UNPROCESSABLE)

    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details}}


def not_found(title: str, key: object) -> ApiError:
    """``title`` as in "server"."""
    return ApiError("not_found", f"{title} with ID '{key}' not found")


def invalid(field: str, problem: str) -> ApiError:
    """One field of the input is wrong."""
    return invalid_fields([(field, problem)])


def invalid_fields(problems: Iterable[tuple[str, str]]) -> ApiError:
    """Every field that is wrong, with what is wrong."""
    fields: dict[str, list[str]] = {}
    for field, problem in problems:
        fields.setdefault(field, []).append(problem)
    first, messages = next(iter(fields.items()))
    return ApiError(
        "invalid_input",
        f"invalid input in field '{first}': {messages[0]}",
        {"fields": [{"name": name, "messages": texts} for name, texts in fields.items()]},
    )


def invalid_body(error: ValidationError) -> ApiError:
    """The same, from what pydantic found."""
    return invalid_fields(
        (".".join(str(part) for part in problem["loc"]) or "body", problem["msg"].removeprefix("Value error, "))
        for problem in error.errors()
    )


def not_unique(title: str, field: str) -> ApiError:
    """Another object of the project has the same value."""
    return ApiError("uniqueness_error", f"{title} {field} is already used", {"fields": [{"name": field}]})


def limit_exceeded(name: str) -> ApiError:
    """The project, or the object, holds as many as it may."""
    return ApiError("resource_limit_exceeded", f"{name} limit exceeded", {"limits": [{"name": name}]})
