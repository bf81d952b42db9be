"""Resources of our own provider plugin (``provider/``) that concern PostgreSQL, as Pulumi classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import pulumi


class Migration(TypedDict):
    """One step of a schema's history.

    ``version`` counts 1, 2, 3 ... without gaps; ``name`` is the file's name, for messages; ``sql`` may hold
    several statements. Once applied, ``sql`` must never change: what is to change comes as a new version.
    """

    version: int
    name: str
    sql: str


@pulumi.output_type
class AppliedMigration(dict[str, Any]):
    """One row of a schema's history; ``checksum`` is the SHA-256 of the migration's SQL."""

    version: int
    name: str
    checksum: str


class RowLevelSecurity(TypedDict):
    """How rows of a schema belong to its tenant.

    ``column`` is the tenant column of every table (uuid, NOT NULL, with a default), ``setting`` the run-time
    setting that says whose session it is, ``tenant_id`` the UUID of the tenant that owns the schema, and ``roles``
    are those whose sessions may see rows at all, beside the owner (what they may do with them is up to grants).
    """

    column: str
    setting: str
    tenant_id: pulumi.Input[str]
    roles: Sequence[pulumi.Input[str]]


class FoundationProvider(pulumi.ProviderResource):
    """Our provider plugin ``foundation``, configured for one PostgreSQL server.

    The settings are named as pulumi-postgresql names them. What is left out comes from libpq's environment
    (``PGHOST`` ...) or its defaults: localhost, port 5432, user and database ``postgres``, sslmode ``prefer``.
    """

    def __init__(
        self,
        name: str,
        *,
        host: pulumi.Input[str] | None = None,
        port: pulumi.Input[int] | None = None,
        username: pulumi.Input[str] | None = None,
        password: pulumi.Input[str] | None = None,
        database: pulumi.Input[str] | None = None,
        sslmode: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation",
            name,
            {
                "host": host,
                # A provider's settings are strings on the wire.
                "port": None if port is None else pulumi.Output.from_input(port).apply(str),
                "username": username,
                "password": None if password is None else pulumi.Output.secret(password),
                "database": database,
                "sslmode": sslmode,
            },
            opts,
        )


class SchemaMigrations(pulumi.CustomResource):
    """The SQL migrations of one schema, applied in order, each in one transaction with its history row.

    Each migration runs as ``owner`` (which owns what it creates) with ``search_path`` on the schema alone. The
    history is the table ``foundation.schema_versions`` of the same database. A migration that was edited, removed
    or squeezed in after it was applied is refused with what to do. With ``row_level_security`` every table of the
    schema is forced under row-level security and pinned to its tenant after every migration.

    Deleting the resource leaves the schema, its data and its history alone (the history goes when the schema has
    gone).

    Args:
        schema: the schema, which exists already; another one later is refused.
        database: the database it is in; another one later is refused.
        owner: the role that runs the migrations; the provider's user must be a member of it.
        migrations: the whole history, oldest first.
        row_level_security: None leaves row-level security to the migrations.
    """

    version: pulumi.Output[int]
    """The last applied version, 0 before any."""

    applied: pulumi.Output[list[AppliedMigration]]
    """Applied migrations, oldest first."""

    def __init__(
        self,
        name: str,
        *,
        schema: pulumi.Input[str],
        database: pulumi.Input[str],
        owner: pulumi.Input[str],
        migrations: Sequence[Migration],
        row_level_security: RowLevelSecurity | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        security = None
        if row_level_security is not None:
            security = {
                "column": row_level_security["column"],
                "setting": row_level_security["setting"],
                "tenantId": row_level_security["tenant_id"],
                "roles": list(row_level_security["roles"]),
            }
        super().__init__(
            "foundation:postgres:SchemaMigrations",
            name,
            {
                "schema": schema,
                "database": database,
                "owner": owner,
                "migrations": [dict(migration) for migration in migrations],
                "rowLevelSecurity": security,
                "version": None,
                "applied": None,
            },
            opts,
        )


class RoleSettings(pulumi.CustomResource):
    """Settings that a role's sessions start with: ``ALTER ROLE ... [IN DATABASE ...] SET name = value``.

    For what ``postgresql.Role`` can't set (it has ``search_paths``, ``statement_timeout`` and
    ``idle_in_transaction_session_timeout``), such as ``app.current_tenant``. With ``database`` they hold in that
    database only, and take precedence there over the role's own.

    Args:
        role: the role, which exists already; another one later replaces the resource.
        settings: setting -> value, at least one; a setting left out later is reset. ``search_path`` and other list
            settings hold their items separated by commas.
        database: None for every database; another one later replaces the resource.
    """

    settings: pulumi.Output[dict[str, str]]
    """The settings as they are."""

    def __init__(
        self,
        name: str,
        *,
        role: pulumi.Input[str],
        settings: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        database: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation:postgres:RoleSettings",
            name,
            {"role": role, "settings": settings, "database": database},
            opts,
        )
