"""A tenant's part of the shared database: its role, its schema, and what the one may do in the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_postgresql import DefaultPrivileges, Grant, Role, Schema

from components.identity import TenantIdentity
from components.postgres.resources import Migration, RoleSettings, SchemaMigrations
from models import names

TENANT_COLUMN: Final = "tenant_id"
"""FC-043, FC-276."""
TENANT_SETTING: Final = "app.current_tenant"
"""FC-043, FC-044."""

READ: Final = {"table": ("SELECT",), "sequence": ("SELECT",)}
WRITE: Final = {"table": ("DELETE", "INSERT", "SELECT", "UPDATE"), "sequence": ("SELECT", "USAGE")}
"""FC-039 says ALL. The rest of ALL (TRUNCATE, which passes over row-level security, REFERENCES, TRIGGER) is no part of
a workload's business, and ALL itself never compares equal to what the catalogue lists."""


@dataclass(frozen=True, kw_only=True)
class TenantDatabaseArgs:
    """What a tenant's schema and role are made of."""

    tenant: TenantIdentity
    database: pulumi.Input[str]
    """The database that holds the tenants' schemas."""
    owner: pulumi.Input[str]
    """Role that owns the schema and runs its migrations."""
    tenants: pulumi.Input[str]
    """Role with the right to connect, of which the tenant's becomes a member."""
    password: pulumi.Input[str]
    migrations: Sequence[Migration]
    """The schema's whole history, oldest first (FC-038)."""
    connection_limit: int = 5
    """FC-051, FC-280."""
    logs_in: bool = True
    writes: bool = True
    """False: reads only (a suspended tenant, FC-269)."""
    drop_with_data: bool = False
    """Deleting the schema deletes what is in it. Else PostgreSQL refuses while there is anything."""


class TenantDatabase(pulumi.ComponentResource):
    """Schema ``tenant_{slug}`` under forced row-level security, and the role ``{slug}_app`` (FC-035 to FC-044).

    Resources that change the same rows of PostgreSQL's catalogue follow one another, for it refuses the second of
    two at once. They are rows of this tenant alone, so that any number of tenants can be made at the same time. Give it
    ``protect``: it holds for the schema, its history and the role, and not for rights, which are made again at once.
    """

    role: pulumi.Output[str]
    schema: pulumi.Output[str]

    def __init__(self, name: str, args: TenantDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:postgres:TenantDatabase", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        def rights(*after: pulumi.Resource) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(parent=self, depends_on=list(after), protect=False)

        slug = args.tenant.slug
        role = Role(
            f"{name}-role",
            name=names.database_role(slug),
            login=args.logs_in,
            password=args.password,
            connection_limit=args.connection_limit,
            roles=[args.tenants],
            create_database=False,
            create_role=False,
            superuser=False,
            replication=False,
            bypass_row_level_security=False,
            # Nothing is reassigned: the role owns nothing, and PostgreSQL refuses to drop it while it does.
            skip_reassign_owned=True,
            opts=child,
        )
        schema = Schema(
            f"{name}-schema",
            name=names.database_schema(slug),
            database=args.database,
            owner=args.owner,
            drop_cascade=args.drop_with_data,
            # Its tables' policies name the role, so that at the end the schema has to go first.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        privileges = WRITE if args.writes else READ
        last: pulumi.Resource = Grant(
            f"{name}-usage",
            database=args.database,
            role=role.name,
            schema=schema.name,
            object_type="schema",
            privileges=["USAGE"],
            opts=rights(),
        )
        for kind in privileges:
            # Before the migrations: they hold for what the owner makes from then on.
            last = DefaultPrivileges(
                f"{name}-future-{kind}s",
                database=args.database,
                role=role.name,
                schema=schema.name,
                owner=args.owner,
                object_type=kind,
                privileges=list(privileges[kind]),
                opts=rights(last),
            )
        last = SchemaMigrations(
            f"{name}-migrations",
            schema=schema.name,
            database=args.database,
            owner=args.owner,
            migrations=args.migrations,
            row_level_security={
                "column": TENANT_COLUMN,
                "setting": TENANT_SETTING,
                "tenant_id": args.tenant.id,
                "roles": [role.name],
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[last]),
        )
        for kind in privileges:
            last = Grant(
                f"{name}-{kind}s",
                database=args.database,
                role=role.name,
                schema=schema.name,
                object_type=kind,
                privileges=list(privileges[kind]),
                opts=rights(last),
            )
        RoleSettings(
            f"{name}-settings",
            role=role.name,
            database=args.database,
            settings={
                # Every connection is right without a word of code, also behind a transaction pooler (FC-278).
                "search_path": schema.name.apply(lambda found: f"{found}, public"),
                TENANT_SETTING: args.tenant.id,
                # The grants hold; this says why in the words that applications know.
                "default_transaction_read_only": "off" if args.writes else "on",
            },
            opts=rights(),
        )
        self.role = role.name
        self.schema = schema.name
        self.register_outputs({"role": self.role, "schema": self.schema})
