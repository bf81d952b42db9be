"""Who a request is from, and what that allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final
from uuid import UUID

from models import names

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""

SCOPE_PATTERN: Final = r"^(\*|[a-z][a-z0-9-]{0,31}):(read|write|admin)$"

KEY_ROLE: Final = "key"
"""``X-User-Role`` of an API key: it acts within its scopes, whoever made it."""


class Role(StrEnum):
    """Roles of a tenant's people, the most powerful first (FC-246, issue of owner and viewer: our choice)."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the role may do in the product."""
        actions = {Role.VIEWER: ("read",), Role.MEMBER: ("read", "write")}.get(self, ("read", "write", "admin"))
        return tuple(f"*:{action}" for action in actions)


class Permission(StrEnum):
    """What the identity API asks for."""

    USE_KEYS = "make, list and revoke one's own API keys"
    MANAGE_KEYS = "list and revoke everybody's API keys"
    SEE_USERS = "list users"
    MANAGE_USERS = "add, change and remove users that aren't owners"
    MANAGE_OWNERS = "add, change and remove owners"
    SEE_AUDIT = "read the audit log"


_MEMBER = frozenset({Permission.USE_KEYS, Permission.SEE_USERS})
_ADMIN = _MEMBER | {Permission.MANAGE_KEYS, Permission.MANAGE_USERS, Permission.SEE_AUDIT}
PERMISSIONS: Final = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: _ADMIN,
    Role.MEMBER: _MEMBER,
    Role.VIEWER: frozenset[Permission](),
}


@dataclass(frozen=True)
class Tenant:
    """The tenant that a credential belongs to."""

    id: UUID
    slug: str
    tier: str
    status: str


@dataclass(frozen=True)
class Identity:
    """Whom a checked credential stands for.

    ``role`` is None for an API key. ``expires_at`` is Unix time, None for keys without an end.
    """

    tenant: Tenant
    user_id: UUID | None
    role: Role | None
    scopes: tuple[str, ...]
    expires_at: float | None
    session_id: UUID | None = None
    key_id: UUID | None = None

    @property
    def actor(self) -> str:
        """How the audit log names it."""
        return f"key:{self.key_id}" if self.key_id else f"user:{self.user_id}"

    @cached_property
    def may_write(self) -> bool:
        """Whether anything but reading is allowed; which things, the product decides by the scopes."""
        return any(not scope.endswith(":read") for scope in self.scopes)

    def grants(self, scope: str) -> bool:
        """Whether this identity may hand on ``scope``."""
        return scope in self.scopes or f"*:{scope.partition(':')[2]}" in self.scopes

    def may(self, permission: Permission) -> bool:
        """Whether the identity API allows it. API keys manage nothing: a stolen one can't make others."""
        return self.role is not None and permission in PERMISSIONS[self.role]

    @cached_property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the tenant's pods are told (FC-059, FC-063); README.md lists them."""
        values = {
            "x-tenant-id": str(self.tenant.id),
            "x-tenant-slug": self.tenant.slug,
            "x-tenant-tier": self.tenant.tier,
            "x-tenant-schema": names.database_schema(self.tenant.slug),
            "x-user-id": str(self.user_id or ""),
            "x-user-role": self.role or KEY_ROLE,
            "x-auth-scopes": " ".join(self.scopes),
        }
        return [(name.encode(), value.encode()) for name, value in values.items()]
