"""A tenant's credentials: generated ones, and the Secret that its pods take them from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pulumi
from pulumi_kubernetes.core.v1 import Secret
from pulumi_random import RandomPassword

from components.encoding import base64_text
from components.identity import TenantIdentity
from models import names

DATABASE_PASSWORD: Final = "db_password"
"""FC-081."""

PASSWORD_LENGTH: Final = 32
"""Characters of a-z, A-Z and 0-9: 190 bits."""


@dataclass(frozen=True, kw_only=True)
class TenantSecretsArgs:
    """What a tenant's Secret holds, beside the database's password."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    values: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """By key, such as ``anthropic_key`` (FC-081). Empty for what the tenant doesn't have yet."""
    generated: Mapping[str, int] = field(default_factory=dict)
    """Keys whose values are made at random, and their lengths in characters."""


class TenantSecrets(pulumi.ComponentResource):
    """Secret ``tenant-secrets-{slug}`` (FC-081), and the random values in it."""

    secret_name: str
    database_password: pulumi.Output[str]
    """Secret."""
    checksum: pulumi.Output[str]
    """Changes with the values; secret as well."""

    def __init__(self, name: str, args: TenantSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:tenant:TenantSecrets", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        generated = {
            # No punctuation: the value goes into connection strings and URLs as it is.
            key: RandomPassword(f"{name}-{key.replace('_', '-')}", length=length, special=False, opts=child).result
            for key, length in {DATABASE_PASSWORD: PASSWORD_LENGTH, **args.generated}.items()
        }
        self.database_password = pulumi.Output.secret(generated[DATABASE_PASSWORD])
        values = {key: pulumi.Output.secret(value) for key, value in {**args.values, **generated}.items()}
        self.secret_name = names.secret(args.tenant.slug)
        Secret(
            f"{name}-secret",
            metadata={"name": self.secret_name, "namespace": args.namespace, "labels": args.tenant.labels},
            type="Opaque",
            # `data` and not `stringData`: a key that goes must leave the object too, and drift must show.
            data={key: value.apply(base64_text) for key, value in values.items()},
            opts=child,
        )
        self.checksum = pulumi.Output.all(**values).apply(checksum)
        self.register_outputs({"secret_name": self.secret_name})


def checksum(values: Mapping[str, str]) -> str:
    """SHA-256 of all values together, in hexadecimal.

    Of a Secret it gives nothing away: 190 random bits of the database's password are always among the values, so no
    other value can be guessed from it.
    """
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()
