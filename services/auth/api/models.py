"""What the identity API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.auth.identity import SCOPE_PATTERN, Role
from services.auth.passwords import MAX_LENGTH, MIN_LENGTH


class Body(BaseModel):
    """A request's body: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


COOKIE_DESCRIPTION = "Set the access token as the cookie __Host-session too, for pages that a browser opens"

Email = Annotated[
    str,
    # ASCII, since comparing without case is plain there; and no control characters.
    StringConstraints(pattern=r"^[!-?A-~]{1,64}@[a-zA-Z0-9]([a-zA-Z0-9.-]{0,188}[a-zA-Z0-9])?$", max_length=255),
]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]
Scope = Annotated[str, StringConstraints(pattern=SCOPE_PATTERN)]
Known = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]
New = Annotated[str, StringConstraints(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]


class Login(Body):
    """Credentials of a user."""

    email: Email
    password: Known
    cookie: bool = Field(default=False, description=COOKIE_DESCRIPTION)


class Refresh(Body):
    """A refresh token that wasn't used yet."""

    refresh_token: Annotated[str, StringConstraints(pattern=r"^fr_[A-Za-z0-9_-]{43}$")]
    cookie: bool = Field(default=False, description=COOKIE_DESCRIPTION)


class PasswordChange(Body):
    """The password so far, and the one from now on."""

    current_password: Known
    new_password: New


class UserReference(BaseModel):
    """FC-057."""

    id: UUID
    role: Role


class Tokens(BaseModel):
    """FC-057, FC-299."""

    token: str = Field(description="Access token, a JWT; for the header `Authorization: Bearer`")
    token_type: str = "Bearer"
    expires_in: int = Field(description="Seconds that the access token is valid")
    refresh_token: str = Field(description="Good for one refresh; a second use ends the session")
    tenant_slug: str
    user: UserReference


class Me(BaseModel):
    """Whom the token stands for."""

    tenant_id: UUID
    tenant_slug: str
    tier: str
    user_id: UUID | None
    role: Role | None = Field(description="null for an API key")
    scopes: list[str]


class NewKey(Body):
    """FC-064."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50)]
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class ApiKey(BaseModel):
    """An API key without the key itself."""

    id: UUID
    name: str
    hint: str = Field(description="The last random characters of the key")
    scopes: list[str]
    created_by: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class CreatedKey(ApiKey):
    """FC-065."""

    key: str = Field(description="Shown only this once")


class NewUser(Body):
    """A person to add to the tenant."""

    email: Email
    password: New
    role: Role = Role.MEMBER


class RoleChange(Body):
    """A user's role from now on."""

    role: Role


class User(BaseModel):
    """A person of the tenant."""

    id: UUID
    email: str
    role: Role
    created_at: datetime


class AuditEntry(BaseModel):
    """What happened (FC-313)."""

    id: UUID
    actor: str
    action: str
    target: str | None
    metadata: dict[str, object]
    timestamp: datetime


class Problem(BaseModel):
    """Why a request was refused."""

    error: str


class InvalidField(BaseModel):
    """Where the request is wrong, and why."""

    field: str
    reason: str


class InvalidRequest(Problem):
    """What is wrong with a request; what was sent isn't repeated."""

    fields: list[InvalidField]
