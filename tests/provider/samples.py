"""A small product's migrations, and what they leave in the server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from components.postgres.resources import Migration
from tests.provider.engine import Database

TASKS = """
CREATE TABLE tasks (
    tenant_id uuid NOT NULL DEFAULT (current_setting('app.current_tenant'))::uuid,
    id bigint GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
"""
NOTES = """
CREATE TABLE notes (
    tenant_id uuid NOT NULL DEFAULT (current_setting('app.current_tenant'))::uuid,
    id bigint GENERATED ALWAYS AS IDENTITY,
    text text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
INSERT INTO notes (text) SELECT title FROM tasks;
CREATE VIEW titles WITH (security_invoker = true, security_barrier = true) AS SELECT title FROM tasks;
"""
TENANT = UUID("6d1f7d2e-53a5-4f0b-9f3c-0d6a5a0f1c11")


def migrations(*texts: str) -> list[Migration]:
    """Steps 1, 2, 3 ... of these SQL texts."""
    return [{"version": n, "name": f"{n:04}_step.sql", "sql": text} for n, text in enumerate(texts, start=1)]


def history(database: Database, schema: str) -> list[tuple[int, str]]:
    """Applied versions and their files."""
    return database.run(
        "SELECT version, name FROM foundation.schema_versions WHERE schema_name = %s ORDER BY version", schema
    )


def tables(database: Database, schema: str) -> list[tuple[str, str]]:
    """Tables and their owners."""
    return database.run("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = %s ORDER BY 1", schema)


def state_of(database: Database, schema: str) -> list[list[tuple[Any, ...]]]:
    """Everything of a schema that migrations make: tables, history, row-level security, policies."""
    return [
        tables(database, schema),
        database.run(
            "SELECT version, checksum FROM foundation.schema_versions WHERE schema_name = %s ORDER BY 1", schema
        ),
        database.run(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class JOIN pg_namespace n"
            " ON n.oid = relnamespace WHERE nspname = %s AND relkind = 'r' ORDER BY 1",
            schema,
        ),
        database.run(
            "SELECT tablename, policyname, qual, with_check FROM pg_policies WHERE schemaname = %s ORDER BY 1, 2",
            schema,
        ),
    ]
