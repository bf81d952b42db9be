"""``/auth``: login, refresh, log-out (FC-057, FC-237, FC-238)."""

from __future__ import annotations

from typing import Final, Literal, TypedDict

from fastapi import APIRouter, Depends, Response

from services.auth.api.answers import WITH_BODY, WITH_TOKEN, answers
from services.auth.api.models import Login, Me, PasswordChange, Refresh, Tokens, UserReference
from services.auth.api.request import BEARER, Address, Anybody, Host, Served
from services.auth.authenticator import COOKIE
from services.auth.refusal import FORBIDDEN, Refused
from services.auth.sessions import Issued

router = APIRouter(prefix="/auth", tags=["sessions"])


class _Attributes(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["strict"]


# What browsers ask of a cookie whose name begins with __Host-, and no script or other site gets at it.
ATTRIBUTES: Final[_Attributes] = {"path": "/", "secure": True, "httponly": True, "samesite": "strict"}


def _tokens(issued: Issued, response: Response, cookie: bool) -> Tokens:
    response.headers["cache-control"] = "no-store"
    if cookie:
        response.set_cookie(COOKIE, issued.token, max_age=issued.seconds, **ATTRIBUTES)
    return Tokens(
        token=issued.token,
        expires_in=issued.seconds,
        refresh_token=issued.refresh_token,
        tenant_slug=issued.tenant.slug,
        user=UserReference(id=issued.user, role=issued.role),
    )


@router.post("/login", responses=answers(*WITH_BODY, 401, 403, 429))
async def login(body: Login, response: Response, service: Served, host: Host, address: Address) -> Tokens:
    """Begins a session. At a tenant's host only its own people can log in."""
    return _tokens(await service.sessions.login(body.email, body.password, host, address), response, body.cookie)


@router.post("/refresh", responses=answers(*WITH_BODY, 401, 403))
async def refresh(body: Refresh, response: Response, service: Served, host: Host, address: Address) -> Tokens:
    """New tokens. The refresh token can't be used again: a second use ends the session."""
    return _tokens(await service.sessions.refresh(body.refresh_token, host, address), response, body.cookie)


@router.post("/logout", status_code=204, responses=answers(*WITH_TOKEN), dependencies=[Depends(BEARER)])
async def logout(response: Response, service: Served, identity: Anybody) -> None:
    """Ends the session: access and refresh tokens are worthless within a second."""
    if identity.session_id is None:
        raise Refused(FORBIDDEN)
    await service.sessions.logout(identity)
    response.delete_cookie(COOKIE, **ATTRIBUTES)


@router.post("/password", status_code=204, responses=answers(*WITH_BODY, *WITH_TOKEN), dependencies=[Depends(BEARER)])
async def change_password(body: PasswordChange, service: Served, identity: Anybody, address: Address) -> None:
    """Sets a new password and ends all of the user's sessions."""
    if identity.session_id is None:
        raise Refused(FORBIDDEN)
    await service.sessions.change_password(identity, body.current_password, body.new_password, address)


@router.get("/me", responses=answers(*WITH_TOKEN), dependencies=[Depends(BEARER)])
async def me(identity: Anybody) -> Me:
    """Whom the token stands for."""
    return Me(
        tenant_id=identity.tenant.id,
        tenant_slug=identity.tenant.slug,
        tier=identity.tenant.tier,
        user_id=identity.user_id,
        role=identity.role,
        scopes=list(identity.scopes),
    )
