"""From a credential and a host to an identity, or a refusal. Everything that /verify and the identity API decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from starlette.requests import cookie_parser

from services.auth import api_keys, lookup, signing_keys
from services.auth.cache import Cache
from services.auth.database import Database
from services.auth.guesses import Guesses
from services.auth.identity import SAFE_METHODS, Identity
from services.auth.refusal import (
    INVALID_TOKEN,
    NO_TOKEN,
    READ_ONLY,
    TENANT_INACTIVE,
    TENANT_SUSPENDED,
    Refusal,
    Refused,
    too_many,
)
from services.auth.settings import Settings
from services.auth.tokens import MAX_LENGTH, InvalidToken, KeyRing
from services.auth.usage import Usage

COOKIE: Final = "__Host-session"
"""Browsers take it with Secure and Path=/ and without Domain only: no other host can set or see it (FC-053)."""
OWN_SITE: Final = (b"same-origin", b"none")
BEARER: Final = re.compile(rb"[Bb]earer +([A-Za-z0-9._~+/-]+=*) *")
"""RFC 6750, section 2.1."""


class Authenticator:
    """One replica's knowledge. ``reload`` has to run before anything is let through."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.cache = Cache()
        self.usage = Usage(database)
        self.ring = KeyRing.empty()
        self._domains: Mapping[str, UUID] = {}
        self._guesses = Guesses(settings.unknown_keys_per_minute, 60)

    async def reload(self) -> None:
        """Read signing keys and custom domains. Raises Refused without the database."""
        self.ring = await signing_keys.load(self.database, self.settings)
        self._domains = await lookup.domains(self.database)

    async def identify(self, credential: bytes, address: str) -> Identity:
        """Whose credential it is (the token alone, without ``Bearer``). Raises Refused."""
        known = self.cache.get(credential)
        if known is None:
            known = await self._look_up(credential, address)
        if known.key_id is not None:
            self.usage.used(known.key_id)
        return known

    async def _look_up(self, credential: bytes, address: str) -> Identity:
        text = credential.decode("ascii")
        generation = self.cache.generation
        if text.startswith(api_keys.PREFIX):
            if not api_keys.is_well_formed(text, self.settings.key_kind):
                raise Refused(INVALID_TOKEN)
            if self.cache.is_unknown(credential):
                raise Refused(INVALID_TOKEN)
            wait = self._guesses.wait(address)
            if wait:
                raise Refused(too_many(wait))
            found = await lookup.by_key(self.database, text, self.settings.peppers)
            if found is None:
                self._guesses.count(address)
                self.cache.put_unknown(credential, generation)
        else:
            try:
                claims = self.ring.check(text)
            except InvalidToken:
                raise Refused(INVALID_TOKEN) from None
            found = await lookup.by_claims(self.database, claims)
        if found is None:
            raise Refused(INVALID_TOKEN)
        self.cache.put(credential, found, generation)
        return found

    def at_home(self, identity: Identity, host: str) -> bool:
        """Whether ``host`` (as a client sent it) is the identity's tenant's (FC-062, FC-322)."""
        name = host.lower().removesuffix(".")
        name, _, port = name.partition(":")
        if port and not port.isdecimal():
            return False
        if name == f"{identity.tenant.slug}.{self.settings.domain}":
            return True
        return self._domains.get(name) == identity.tenant.id

    def is_own_host(self, host: str) -> bool:
        """Whether ``host`` is this service's own, which serves every tenant (FC-235)."""
        return host.lower().partition(":")[0].removesuffix(".") == f"auth.{self.settings.domain}"

    def tenant_of_host(self, host: str) -> str | UUID | None:
        """Slug or UUID of the tenant that ``host`` is for; None for other hosts."""
        name = host.lower().partition(":")[0].removesuffix(".")
        label, _, rest = name.partition(".")
        return label if rest == self.settings.domain else self._domains.get(name)


def credential_of(authorization: bytes | None, cookies: bytes = b"", site: bytes = b"") -> bytes:
    """The bearer token of an ``Authorization`` header, else that of the session cookie. Raises Refused.

    ``site`` is what the browser says in ``Sec-Fetch-Site``. Cookies go along with requests from pages of other tenants
    too, for SameSite takes all hosts of a domain for one site; so they count in requests from the tenant's own pages,
    and in those that a person typed.
    """
    if authorization is None:
        token = cookie_parser(cookies.decode("latin-1")).get(COOKIE, "") if COOKIE.encode() in cookies else ""
        if not token:
            raise Refused(NO_TOKEN)
        if site not in OWN_SITE or not BEARER.fullmatch(b"Bearer " + token.encode("latin-1")):
            raise Refused(INVALID_TOKEN)
        return token.encode("latin-1")
    found = BEARER.fullmatch(authorization) if len(authorization) <= MAX_LENGTH + 16 else None
    if found is None:
        raise Refused(INVALID_TOKEN)
    return found[1]


def objection(identity: Identity, method: str) -> Refusal | None:
    """What speaks against a request of this identity to its own tenant."""
    status = identity.tenant.status
    if status == "active":
        if identity.may_write or method in SAFE_METHODS:
            return None
        return READ_ONLY
    if status == "suspended":
        return None if method in SAFE_METHODS else TENANT_SUSPENDED
    return TENANT_INACTIVE
