"""What the tests of the postgresql plugin work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from tests.provider.engine import Database


@dataclass(frozen=True)
class World:
    """``owner`` owns ``schema`` of ``database`` with tables t1 (a, b) and t2 (a), sequence s1 and function f(int)."""

    server: Database
    prefix: str

    @property
    def owner(self) -> str:
        return f"{self.prefix}_owner"

    @property
    def app(self) -> str:
        return f"{self.prefix}_app"

    @property
    def database(self) -> str:
        return f"{self.prefix}_db"

    @property
    def schema(self) -> str:
        return f"{self.prefix}_schema"

    def fill(self) -> None:
        names = {name: sql.Identifier(getattr(self, name)) for name in ("owner", "app", "database", "schema")}
        with self.server.connect() as connection:
            connection.execute(sql.SQL("CREATE ROLE {owner}").format(**names))
            connection.execute(sql.SQL("CREATE ROLE {app} LOGIN PASSWORD 'test'").format(**names))
            connection.execute(sql.SQL("CREATE DATABASE {database} TEMPLATE template0").format(**names))
        with self.server.connect(dbname=self.database) as connection:
            for statement in (
                "CREATE SCHEMA {schema} AUTHORIZATION {owner}",
                "SET ROLE {owner}",
                "CREATE TABLE {schema}.t1 (a int, b int)",
                "CREATE TABLE {schema}.t2 (a int)",
                "CREATE SEQUENCE {schema}.s1",
                "CREATE FUNCTION {schema}.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ):
                connection.execute(sql.SQL(statement).format(**names))

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Runs a statement in the database; ``{owner}``, ``{app}`` and ``{schema}`` stand for the names."""
        text = statement.format(owner=self.owner, app=self.app, schema=self.schema, database=self.database)
        return self.server.run(text, database=self.database)  # type: ignore[arg-type]

    def may(self, privilege: str, table: str = "t1") -> bool:
        """Whether the app's role has a privilege on a table."""
        query = f"SELECT has_table_privilege('{{app}}', '{{schema}}.{table}', '{privilege}')"
        return bool(self.run(query)[0][0])
