"""The databases that all tenants share, and who may connect to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_postgresql import Database, Extension, Grant, Role


def owner_of(database: str) -> str:
    """The role that owns the database, tenants' schemas and what migrations make in them; nobody logs in as it.

    Roles belong to the whole server: the database in the name lets several environments share one.
    """
    return f"{database}_owner"


def tenants_of(database: str) -> str:
    """The role that every tenant's role is a member of. It holds the right to connect and nothing else: the
    database's access list then has one entry for all tenants, however many there are."""
    return f"{database}_tenants"


@dataclass(frozen=True, kw_only=True)
class DatabasePlatformArgs:
    """Names of the shared databases."""

    database: str = "foundation"
    """Holds the tenants' schemas (FC-274)."""
    auth_database: str = "auth_db"
    """The central auth database, closed to tenants' roles (FC-033, FC-274)."""
    auth_extensions: Sequence[str] = ("uuid-ossp",)
    """Extensions of the auth database, by default for uuid_generate_v4() in its tables' defaults (FC-250)."""


class DatabasePlatform(pulumi.ComponentResource):
    """The databases, closed to everybody but their owner, and the roles that tenants' roles build on.

    Give it ``protect``: it holds for databases, roles and extensions, and not for rights, which are made again at once.
    """

    database: pulumi.Output[str]
    """The database of the tenants' schemas; known when tenants may connect to it."""
    auth_database: pulumi.Output[str]
    owner: pulumi.Output[str]
    tenants: pulumi.Output[str]

    def __init__(self, name: str, args: DatabasePlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:postgres:DatabasePlatform", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        right = pulumi.ResourceOptions(parent=self, protect=False)
        self.owner = Role(f"{name}-owner", name=owner_of(args.database), login=False, opts=child).name
        self.tenants = Role(f"{name}-tenants", name=tenants_of(args.database), login=False, opts=child).name
        database = Database(f"{name}-database", name=args.database, owner=self.owner, opts=child)
        closed = _close(f"{name}-close", database, right)
        connect = Grant(
            f"{name}-connect",
            database=database.name,
            role=self.tenants,
            object_type="database",
            privileges=["CONNECT"],
            # Nobody gets in before the door is closed to everybody else.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed], protect=False),
        )
        self.database = connect.database
        auth = Database(f"{name}-auth-database", name=args.auth_database, owner=self.owner, opts=child)
        _close(f"{name}-close-auth", auth, right)
        for extension in args.auth_extensions:
            Extension(f"{name}-{extension}", name=extension, database=auth.name, opts=child)
        self.auth_database = auth.name
        self.register_outputs({"database": self.database, "auth_database": self.auth_database})


def _close(name: str, database: Database, opts: pulumi.ResourceOptions) -> Grant:
    """Takes from PUBLIC what PostgreSQL gives it by default: to connect, and to make temporary tables."""
    return Grant(name, database=database.name, role="public", object_type="database", privileges=[], opts=opts)
