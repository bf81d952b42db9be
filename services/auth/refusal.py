"""Why a request is turned away. One value for each answer, so that answers never tell more than they should."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """An answer that isn't success: status, the text under ``error``, and headers."""

    status: int
    error: str
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    @property
    def body(self) -> bytes:
        return json.dumps({"error": self.error}).encode()


class Refused(Exception):
    """Carries a refusal up to whoever answers."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.error)
        self.refusal = refusal


_CHALLENGE = ((b"www-authenticate", b"Bearer"),)
RETRY_SECONDS = 1

NO_TOKEN = Refusal(401, "No token", _CHALLENGE)
"""FC-061."""
INVALID_TOKEN = Refusal(401, "Invalid token", _CHALLENGE)
"""Malformed, forged, expired, revoked or unknown: which of them is nobody's business."""
INVALID_LOGIN = Refusal(401, "Invalid e-mail or password", _CHALLENGE)
TENANT_MISMATCH = Refusal(403, "Tenant mismatch")
"""FC-062."""
TENANT_INACTIVE = Refusal(403, "Tenant inactive")
TENANT_SUSPENDED = Refusal(402, "Tenant suspended")
"""FC-269."""
READ_ONLY = Refusal(403, "Read only")
FORBIDDEN = Refusal(403, "Forbidden")
NOT_FOUND = Refusal(404, "Not found")
UNAVAILABLE = Refusal(503, "Unavailable", ((b"retry-after", str(RETRY_SECONDS).encode()),))


def too_many(seconds: float) -> Refusal:
    """Try again in ``seconds``."""
    return Refusal(429, "Too many attempts", ((b"retry-after", str(max(1, round(seconds))).encode()),))
