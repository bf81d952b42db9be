"""The audit log (FC-183, FC-313): what changed rights, by whom, in the transaction that changed them."""

from __future__ import annotations

from uuid import UUID

from psycopg.types.json import Jsonb

from services.auth.database import Connection


async def write(
    connection: Connection,
    tenant: UUID | None,
    actor: str,
    action: str,
    target: str | None = None,
    **metadata: object,
) -> None:
    """One line. ``actor`` is ``user:UUID``, ``key:UUID``, ``service``, ``operator`` or ``anonymous``; never a secret,
    nor what somebody typed in a login form (people type passwords into the wrong field)."""
    await connection.execute(
        "INSERT INTO audit_log (tenant_id, actor, action, target, metadata) VALUES (%s, %s, %s, %s, %s)",
        (tenant, actor, action, target, Jsonb(metadata)),
    )
