"""Tenants as auth_db knows them, from what the environment says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr

from models.base import DnsName, Model
from models.names import Slug
from services.auth import audit
from services.auth.api.models import Email
from services.auth.database import Connection, Database
from services.auth.identity import Role
from services.auth.passwords import MAX_LENGTH, MIN_LENGTH, Passwords


class Owner(Model):
    """The tenant's first owner, who can add everybody else."""

    email: Email
    password: Annotated[SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]


class Registration(Model):
    """A tenant. ``domains`` are custom ones whose ownership is proved; others of the tenant are taken away."""

    id: UUID
    slug: Slug
    tier: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=20)]
    status: Literal["provisioning", "active", "suspended", "inactive", "failed", "deleted"] = "active"
    domains: tuple[DnsName, ...] = ()
    owner: Owner | None = None


async def register(database: Database, tenants: Sequence[Registration]) -> str:
    """Write them, each in one transaction; a summary. Idempotent."""
    passwords = Passwords()
    for tenant in tenants:
        async with database.transaction() as connection:
            await _write(connection, tenant, passwords)
    return f"{len(tenants)} tenants registered"


async def _write(connection: Connection, tenant: Registration, passwords: Passwords) -> None:
    changed = await connection.execute(
        """
        INSERT INTO tenants AS t (id, slug, tier, status) VALUES (%s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, tier = excluded.tier, status = excluded.status,
               updated_at = now()
         WHERE (t.slug, t.tier, t.status) IS DISTINCT FROM (excluded.slug, excluded.tier, excluded.status)
        """,
        (tenant.id, tenant.slug, tenant.tier, tenant.status),
    )
    if changed.rowcount:
        await audit.write(
            connection, tenant.id, "operator", "tenant.registered", tier=tenant.tier, status=tenant.status
        )
    domains = list(tenant.domains)
    await connection.execute(
        "DELETE FROM tenant_domains WHERE tenant_id = %s AND domain <> ALL(%s)", (tenant.id, domains)
    )
    await connection.execute(
        "INSERT INTO tenant_domains (domain, tenant_id, verified_at) SELECT d, %s, now() FROM unnest(%s::text[]) d "
        "ON CONFLICT (domain) DO UPDATE SET tenant_id = excluded.tenant_id, verified_at = now() "
        "WHERE tenant_domains.verified_at IS NULL",
        (tenant.id, domains),
    )
    if tenant.owner is not None:
        await _add_owner(connection, tenant.id, tenant.owner, passwords)


async def _add_owner(connection: Connection, tenant: UUID, owner: Owner, passwords: Passwords) -> None:
    email = owner.email.lower()
    found = await (await connection.execute("SELECT FROM users WHERE email = %s", (email,))).fetchone()
    if found is not None:
        return
    hashed = await passwords.hash(owner.password.get_secret_value())
    cursor = await connection.execute(
        "INSERT INTO users (tenant_id, email, password_hash, role) VALUES (%s, %s, %s, %s) RETURNING id",
        (tenant, email, hashed, Role.OWNER),
    )
    row = await cursor.fetchone()
    assert row is not None, "INSERT returns its row"
    await audit.write(connection, tenant, "operator", "user.added", f"user:{row['id']}", role=Role.OWNER)
