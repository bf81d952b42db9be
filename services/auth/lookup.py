"""What auth_db says about a credential. One query each, by a unique index: constant work however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.auth.database import Database, Row
from services.auth.derived import Pepper
from services.auth.identity import Identity, Role, Tenant
from services.auth.tokens import Claims

SESSION = """
    SELECT t.id AS tenant_id, t.slug, t.tier, t.status, u.id AS user_id, u.role
      FROM sessions s JOIN users u ON u.id = s.user_id JOIN tenants t ON t.id = u.tenant_id
     WHERE s.id = %s AND s.user_id = %s AND s.tenant_id = %s AND t.id = s.tenant_id
       AND s.revoked_at IS NULL AND s.expires_at > now()
"""

KEY = """
    SELECT t.id AS tenant_id, t.slug, t.tier, t.status, k.id AS key_id, k.key_hash, k.created_by, k.scopes,
           extract(epoch FROM k.expires_at)::float8 AS expires_at
      FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
     WHERE k.key_hash = ANY(%s) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
"""

DOMAINS = "SELECT domain, tenant_id FROM tenant_domains WHERE verified_at IS NOT NULL"


def tenant_of(row: Row) -> Tenant:
    """The tenant of a row that has its columns."""
    return Tenant(row["tenant_id"], row["slug"], row["tier"], row["status"])


async def by_claims(database: Database, claims: Claims) -> Identity | None:
    """The user of a token whose session goes on. Role, tier and status are those of now, not those of the token."""
    rows = await database.rows(SESSION, (claims.session, claims.user, claims.tenant))
    if not rows or rows[0]["slug"] != claims.tenant_slug:
        return None
    role = Role(rows[0]["role"])
    return Identity(
        tenant=tenant_of(rows[0]),
        user_id=rows[0]["user_id"],
        role=role,
        scopes=role.scopes,
        expires_at=claims.expires_at,
        session_id=claims.session,
    )


async def by_key(database: Database, key: str, peppers: Sequence[Pepper]) -> Identity | None:
    """The API key that is in force. One that the former secret hashed is hashed anew."""
    hashes = [pepper.hash(key) for pepper in peppers]
    rows = await database.rows(KEY, (hashes,))
    if not rows:
        return None
    row = rows[0]
    if row["key_hash"] != hashes[0]:
        await database.rows("UPDATE api_keys SET key_hash = %s WHERE id = %s", (hashes[0], row["key_id"]))
    return Identity(
        tenant=tenant_of(row),
        user_id=row["created_by"],
        role=None,
        scopes=tuple(row["scopes"]),
        expires_at=row["expires_at"],
        key_id=row["key_id"],
    )


async def domains(database: Database) -> dict[str, UUID]:
    """Verified custom domains and their tenants (FC-322)."""
    return {row["domain"]: row["tenant_id"] for row in await database.rows(DOMAINS)}
