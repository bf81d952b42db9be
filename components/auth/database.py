"""The auth service's part of auth_db: tables by migrations, and a role that may do no more than it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
from pulumi_postgresql import Grant, Role

import services.auth
from components.postgres.resources import Migration, SchemaMigrations
from models.loading.products import load_migrations
from services.auth.privileges import TABLES

SCHEMA: Final = "public"
"""FC-036, FC-046 name the tables ``auth_db.tenants`` and so on: the database's own schema."""


def migrations() -> list[Migration]:
    """The history of auth_db, as the service's files have it."""
    found = load_migrations(Path(services.auth.__file__).parent / "migrations")
    return [{"version": step.version, "name": step.name, "sql": step.sql} for step in found]


def role_of(auth_database: str) -> str:
    """The role that the service logs in with; roles belong to the whole server."""
    return f"{auth_database}_service"


@dataclass(frozen=True, kw_only=True)
class AuthDatabaseArgs:
    """Which database, and the service's login."""

    database: str
    owner: pulumi.Input[str]
    """Role that owns the database; the migrations run as it."""
    password: pulumi.Input[str]
    migrations: Sequence[Migration]
    """The schema's whole history, oldest first (FC-045)."""
    connection_limit: int = 40
    """Room for six replicas of five connections each, twice over while they are replaced. Our choice."""


class AuthDatabase(pulumi.ComponentResource):
    """Role ``{database}_service`` and the tables of FC-033, which the service itself never alters.

    Make it after the database and its extensions (``depends_on``).
    """

    role: pulumi.Output[str]
    """Known when tables and rights are there."""

    def __init__(self, name: str, args: AuthDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:auth:AuthDatabase", name, {}, opts)
        role = Role(
            f"{name}-role",
            name=role_of(args.database),
            login=True,
            password=args.password,
            connection_limit=args.connection_limit,
            create_database=False,
            create_role=False,
            superuser=False,
            replication=False,
            bypass_row_level_security=False,
            skip_reassign_owned=True,
            opts=pulumi.ResourceOptions(parent=self),
        )

        def right(*after: pulumi.Resource) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(parent=self, depends_on=list(after), protect=False)

        connect = Grant(
            f"{name}-connect",
            database=args.database,
            role=role.name,
            object_type="database",
            privileges=["CONNECT"],
            opts=right(),
        )
        migrations = SchemaMigrations(
            f"{name}-migrations",
            schema=SCHEMA,
            database=args.database,
            owner=args.owner,
            migrations=args.migrations,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[connect]),
        )
        grants = [
            Grant(
                f"{name}-{table.replace('_', '-')}",
                database=args.database,
                role=role.name,
                schema=SCHEMA,
                object_type="table",
                objects=[table],
                privileges=sorted(privileges),
                opts=right(migrations),
            )
            for table, privileges in TABLES.items()
        ]
        self.role = pulumi.Output.all(role.name, *[grant.id for grant in grants]).apply(lambda known: str(known[0]))
        self.register_outputs({"role": self.role})
