"""Access tokens: signing, and checking against the key that the token names and nothing else."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID, uuid4

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from services.auth.identity import Role, Tenant

TYPE: Final = "JWT"
"""``typ`` of FC-058."""
JWT_SECRET_KID: Final = "jwt-secret"
MAX_LENGTH: Final = 4096
"""Bytes of a credential; ours have fewer than 1000. Anything longer isn't looked at."""
COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+", re.ASCII)
"""RFC 7515, sections 2 and 7.1: base64url without padding, line breaks or other characters. Decoders are laxer."""
HEADER: Final = frozenset({"alg", "typ", "kid"})
"""All that our tokens' headers hold. Keys that come with the token (jwk, jku, x5u, x5c) and demands that we don't
know (crit, b64, zip) are refused before anything of them is read."""

LEEWAY: Final = 5
"""Seconds that another replica's clock may be ahead when it signs."""

Key = ECKey | OctKey


class InvalidToken(Exception):
    """It isn't one of ours, or no longer. The reason is for the log alone."""


@dataclass(frozen=True)
class SigningKey:
    """A key and the one algorithm it is for. ``signs_from`` and ``verifies_until`` are Unix time."""

    kid: str
    algorithm: str
    key: Key
    signs_from: float = 0
    verifies_until: float = float("inf")


@dataclass(frozen=True)
class Claims:
    """What a token says (FC-059), ``session`` being the login that it comes from."""

    user: UUID
    tenant: UUID
    tenant_slug: str
    session: UUID
    expires_at: float


class KeyRing:
    """The keys of the moment."""

    def __init__(self, issuer: str, audience: str, keys: Iterable[SigningKey], algorithm: str = "ES256") -> None:
        self._issuer, self._audience, self._algorithm = issuer, audience, algorithm
        self._keys = {key.kid: key for key in keys}

    @classmethod
    def empty(cls) -> Self:
        """Knows no key: every token is refused."""
        return cls("", "", ())

    @property
    def signer(self) -> SigningKey | None:
        """The key for new tokens: the newest that may sign already."""
        now = time.time()
        ready = [key for key in self._keys.values() if key.algorithm == self._algorithm and key.signs_from <= now]
        return max(ready, key=lambda key: key.signs_from, default=None)

    def public(self) -> dict[str, list[dict[str, Any]]]:
        """The JSON Web Key Set (RFC 7517) of the keys that tokens may be signed with, now or soon."""
        now = time.time()
        return {
            "keys": [
                {**key.key.as_dict(private=False), "kid": key.kid, "alg": key.algorithm, "use": "sig"}
                for key in self._keys.values()
                if isinstance(key.key, ECKey) and key.verifies_until > now
            ]
        }

    def issue(self, user: UUID, role: Role, tenant: Tenant, session: UUID, seconds: int) -> str | None:
        """A new token that is valid for ``seconds``; None without a key to sign with."""
        key = self.signer
        if key is None:
            return None
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user),
            "tenant_id": str(tenant.id),
            "tenant_slug": tenant.slug,
            "role": role.value,
            "tier": tenant.tier,
            "sid": str(session),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + seconds,
        }
        header = {"alg": key.algorithm, "typ": TYPE, "kid": key.kid}
        return jws.serialize_compact(header, json.dumps(claims), key.key, algorithms=[key.algorithm])

    def check(self, token: str) -> Claims:
        """What the token says. Raises InvalidToken unless it is ours, unchanged and in its time."""
        if len(token) > MAX_LENGTH:
            raise InvalidToken("length")
        try:
            key = self._keys.get(_header(token)["kid"])
            if key is None or key.verifies_until <= time.time():
                raise InvalidToken("key")
            return self._claims(json.loads(payload_of(token, key.key, key.algorithm)))
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise InvalidToken(type(error).__name__) from None

    def _claims(self, claims: dict[str, Any]) -> Claims:
        now = time.time()
        issued, expires = claims["iat"], claims["exp"]
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in (issued, expires)):
            raise InvalidToken("times")
        if not issued - LEEWAY <= now < expires:
            raise InvalidToken("expired")
        if claims["iss"] != self._issuer or claims["aud"] != self._audience:
            raise InvalidToken("audience")
        return Claims(
            user=UUID(claims["sub"]),
            tenant=UUID(claims["tenant_id"]),
            tenant_slug=claims["tenant_slug"],
            session=UUID(claims["sid"]),
            expires_at=float(expires),
        )


def payload_of(token: str, key: Key, algorithm: str) -> bytes:
    """What ``key`` has signed with ``algorithm``. Raises InvalidToken for every other token."""
    if not COMPACT.fullmatch(token):
        raise InvalidToken("form")
    try:
        return jws.deserialize_compact(token, key, algorithms=[algorithm]).payload
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise InvalidToken(type(error).__name__) from None


def _header(token: str) -> dict[str, Any]:
    """The header, not yet verified: it only chooses among our keys."""
    if not COMPACT.fullmatch(token):
        raise InvalidToken("form")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except JoseError as error:
        raise InvalidToken(type(error).__name__) from None
    if set(header) != HEADER or header["typ"] != TYPE or not isinstance(header["kid"], str):
        raise InvalidToken("header")
    return header
