"""Projects and the tokens that open them. Of a token only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass
from typing import Any

from local.hetzner.ratelimit import REQUESTS_PER_HOUR, Budget
from local.hetzner.state import State

KEY = "projects"
# As the vendor's.
TOKEN_LENGTH = 64
READ_WRITE = "read_write"
READ = "read"
# Requests that no token opens have a budget too.
NOBODY = ""


@dataclass(frozen=True)
class Access:
    """Who asks."""

    project: str
    read_only: bool


class Projects:
    """All of them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, name: str, requests_per_hour: int = REQUESTS_PER_HOUR) -> None:
        """Make a project, or change its request limit."""
        projects = self._all()
        tokens = projects.get(name, {}).get("tokens", {})
        projects[name] = {"tokens": tokens, "requests_per_hour": requests_per_hour}
        self._state.write_setting(KEY, projects)

    def add_token(self, project: str, permission: str = READ_WRITE, token: str | None = None) -> str:
        """A new token, or the one given, for a project that exists."""
        token = token or "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(TOKEN_LENGTH))
        projects = self._all()
        projects[project]["tokens"][_hash(token)] = permission
        self._state.write_setting(KEY, projects)
        return token

    def names(self) -> list[str]:
        """Of every project."""
        return list(self._all())

    def identify(self, authorization: str | None) -> Access | None:
        """Whose token the header holds, or None."""
        scheme, _, token = (authorization or "").partition(" ")
        hashed = _hash(token)
        for name, project in self._all().items():
            if scheme.lower() == "bearer" and hashed in project["tokens"]:
                return Access(name, project["tokens"][hashed] == READ)
        return None

    def limits(self, project: str) -> dict[str, int]:
        """Limits that were set for the project by the control endpoint."""
        limits: dict[str, int] = self._state.read_setting(f"limits:{project}", {})
        return limits

    def set_limits(self, project: str, limits: dict[str, int]) -> None:
        """Replace them."""
        self._state.write_setting(f"limits:{project}", limits)

    def spend(self, project: str, now: float) -> tuple[Budget, bool]:
        """Take one request from the project's budget: what is left, and whether it was allowed."""
        limit = self._all().get(project, {}).get("requests_per_hour", REQUESTS_PER_HOUR)
        saved = self._state.read_setting(f"budget:{project}", None)
        budget = Budget(limit, min(saved["remaining"], limit), saved["at"]) if saved else Budget.full(limit, now)
        budget = budget.later(now)
        allowed = budget.allows()
        if allowed:
            budget = budget.spend()
        requests = saved["requests"] + 1 if saved else 1
        kept = {"remaining": budget.remaining, "at": budget.at, "requests": requests}
        self._state.write_setting(f"budget:{project}", kept)
        return budget, allowed

    def usage(self, project: str) -> dict[str, float]:
        """``requests`` made since the start or the last ``refill``, and what was ``remaining`` after the last."""
        saved = self._state.read_setting(f"budget:{project}", {"requests": 0, "remaining": None})
        return {name: saved[name] for name in ("requests", "remaining")}

    def refill(self, project: str, remaining: float | None, now: float) -> None:
        """Set what is left of the project's budget; None: all of it."""
        limit = self._all().get(project, {}).get("requests_per_hour", REQUESTS_PER_HOUR)
        left = limit if remaining is None else remaining
        self._state.write_setting(f"budget:{project}", {"remaining": left, "at": now, "requests": 0})

    def _all(self) -> dict[str, Any]:
        projects: dict[str, Any] = self._state.read_setting(KEY, {})
        return projects


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
