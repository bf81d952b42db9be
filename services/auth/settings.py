"""What the service is told by its environment, and the keys that follow from its one secret."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Literal, Self

from cryptography.fernet import Fernet, MultiFernet
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.base import DnsName
from models.workload import Port
from services.auth.derived import Pepper, encryption_key

SECRETS_FOLDER_VARIABLE = "AUTH_SECRETS_DIR"


class Settings(BaseSettings):
    """Read from ``AUTH_{FIELD}`` in the environment, or from a file ``auth_{field}`` in the folder that
    ``AUTH_SECRETS_DIR`` names (as Kubernetes mounts Secrets). The environment comes first.
    """

    model_config = SettingsConfigDict(
        env_prefix="AUTH_", frozen=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    domain: DnsName
    """Tenants are served at {slug}.{domain}, this service also at auth.{domain} (FC-052, FC-235)."""
    database: SecretStr
    """libpq connection string or URI of auth_db. Straight to the server: LISTEN doesn't pass a transaction pooler."""
    secret: SecretStr = Field(min_length=32)
    """Hashes API keys and encrypts signing keys. Losing it ends every API key, refresh token and session."""
    other_secret: SecretStr | None = None
    """A second secret that is accepted too; what it hashed is hashed anew when it is used. To change the secret: give
    the new one here; when every replica has it, exchange the two; docs/how-to/auth.md says when the old one may go."""
    jwt_secret: SecretStr | None = Field(default=None, min_length=32)
    """JWT_SECRET of FC-058: with it, tokens signed with HS256 are accepted beside ES256."""
    token_algorithm: Literal["ES256", "HS256"] = "ES256"
    """What new tokens are signed with; HS256 needs ``jwt_secret`` and can't be checked by the published key set."""
    key_kind: Literal["live", "test"] = "live"
    """API keys begin with fc_live_ or fc_test_ (FC-300); those of the other kind are refused."""
    access_token_seconds: int = Field(default=3600, ge=60, le=86_400)
    """FC-299."""
    session_seconds: int = Field(default=30 * 86_400, ge=3600)
    """A session ends so long after its login; refreshing doesn't lengthen it (FC-299)."""
    signing_key_days: int = Field(default=365, ge=1)
    """A signing key is followed by a new one after so many days (FC-179)."""
    login_attempts_account: int = Field(default=10, ge=1)
    """Failed logins of one account in 15 minutes, then 429. Our choice."""
    login_attempts_address: int = Field(default=100, ge=1)
    """The same for one address, behind which may be many people. Our choice."""
    unknown_keys_per_minute: int = Field(default=60, ge=1)
    """Unknown API keys of one address and replica in a minute, then 429. Our choice."""
    database_connections: int = Field(default=4, ge=1)
    """Connections of one replica, beside the one that listens."""
    host: str = "0.0.0.0"  # noqa: S104
    """Where the server listens: in a pod everywhere, since its address isn't known beforehand."""
    port: Port = 8080
    """models.environment.Gateway.auth_address."""

    @model_validator(mode="after")
    def _algorithm_has_key(self) -> Self:
        if self.token_algorithm == "HS256" and self.jwt_secret is None:
            raise ValueError("token_algorithm HS256 needs jwt_secret")
        return self

    @classmethod
    def read(cls) -> Self:
        """The settings of this process. Raises pydantic.ValidationError, which shows no values."""
        return cls(_secrets_dir=os.environ.get(SECRETS_FOLDER_VARIABLE))

    @property
    def issuer(self) -> str:
        """``iss`` of the tokens."""
        return f"https://auth.{self.domain}"

    @cached_property
    def peppers(self) -> tuple[Pepper, ...]:
        """What keys are hashed with: the current one first."""
        return tuple(Pepper.of(secret) for secret in self._secrets)

    @cached_property
    def encryption(self) -> MultiFernet:
        """What private signing keys are encrypted with."""
        return MultiFernet([Fernet(encryption_key(secret)) for secret in self._secrets])

    @property
    def _secrets(self) -> list[bytes]:
        given = (self.secret, self.other_secret)
        return [secret.get_secret_value().encode() for secret in given if secret is not None]
