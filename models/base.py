"""The base of every model, and the small types that many of them share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Model(BaseModel):
    """Frozen, and closed: a field that isn't declared is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def explained(message: str) -> Any:
    """Says in words what a pattern asks for: shown by editors, and by our own errors in place of the pattern."""
    return Field(json_schema_extra={"patternErrorMessage": message})


Quantity = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"),
    explained("must be a number with an optional suffix, such as 250m, 2, 512Mi or 4Gi (a Kubernetes quantity)"),
]
"""A Kubernetes resource quantity: cores (``250m``) or bytes (``512Mi``)."""


DnsName = Annotated[
    str,
    StringConstraints(
        max_length=253,
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
    ),
    explained("must be a DNS name in lower case, such as shop.example.com"),
]
"""A DNS name in lower case without a trailing dot (RFC 1123)."""


def _pinned(tag: str) -> str:
    if tag == "latest":
        raise ValueError("must be a fixed tag such as v2.0: what 'latest' means changes without a change here")
    return tag


ImageTag = Annotated[
    str,
    StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$"),
    AfterValidator(_pinned),
    explained("must be a tag such as v2.0, or a digest such as sha256:0123..."),
]
"""A pinned image: a tag or a digest."""
