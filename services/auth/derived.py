"""Keys for single purposes, derived from one secret (HKDF, RFC 5869), and hashes of random credentials."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"foundation/auth/{purpose}".encode()).derive(
        secret
    )


def encryption_key(secret: bytes) -> bytes:
    """For Fernet."""
    return base64.urlsafe_b64encode(_derive(secret, "signing-keys"))


@dataclass(frozen=True)
class Pepper:
    """A key for hashing credentials; ``name`` tells hashes of different peppers apart and is no secret."""

    name: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> Self:
        return cls(_derive(secret, "pepper-name").hex()[:8], _derive(secret, "pepper"))

    def hash(self, credential: str) -> str:
        """``name:HMAC-SHA256``. The credential is random, so that no slow hash is needed."""
        return f"{self.name}:{hmac.digest(self.key, credential.encode(), 'sha256').hex()}"
