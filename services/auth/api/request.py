"""What every endpoint knows of its request: the service, the client's address, the host, the caller."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from services.auth.authenticator import credential_of, objection
from services.auth.identity import Identity, Permission
from services.auth.refusal import FORBIDDEN, INVALID_TOKEN, TENANT_MISMATCH, Refused
from services.auth.service import Service

# For the OpenAPI document alone; the check is /verify's.
BEARER = HTTPBearer(auto_error=False, description="Access token or API key")


def service_of(request: Request) -> Service:
    """The replica's parts."""
    service: Service = request.app.state.service
    return service


def host_of(request: Request) -> str:
    """The host that the client asked. Traefik writes X-Forwarded-Host anew; two mean that something else is wrong."""
    forwarded = request.headers.getlist("x-forwarded-host") or request.headers.getlist("host")
    return forwarded[0] if len(forwarded) == 1 else ""


def address_of(request: Request) -> str:
    """The client's address as Traefik saw it."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded[:64] or (request.client.host if request.client else "")


async def anybody(request: Request) -> Identity:
    """Whom the request's token stands for, at its own tenant's host or at auth.{domain}. Raises Refused."""
    sent = request.headers.getlist("authorization")
    if len(sent) > 1:
        raise Refused(INVALID_TOKEN)
    authenticator = service_of(request).authenticator
    credential = credential_of(
        sent[0].encode("latin-1") if sent else None,
        request.headers.get("cookie", "").encode("latin-1"),
        request.headers.get("sec-fetch-site", "").encode("latin-1"),
    )
    identity = await authenticator.identify(credential, address_of(request))
    host = host_of(request)
    if not authenticator.is_own_host(host) and not authenticator.at_home(identity, host):
        raise Refused(TENANT_MISMATCH)
    return identity


async def caller(request: Request, identity: Annotated[Identity, Depends(anybody)]) -> Identity:
    """The same, where tenant and scopes allow the request. Raises Refused."""
    against = objection(identity, request.method)
    if against is not None:
        raise Refused(against)
    return identity


def require(identity: Identity, permission: Permission) -> None:
    """Raises Refused unless the caller's role has it."""
    if not identity.may(permission):
        raise Refused(FORBIDDEN)


Served = Annotated[Service, Depends(service_of)]
Address = Annotated[str, Depends(address_of)]
Host = Annotated[str, Depends(host_of)]
Anybody = Annotated[Identity, Depends(anybody)]
Caller = Annotated[Identity, Depends(caller)]
