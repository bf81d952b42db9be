"""The migrations of a tenant's schema, read by PostgreSQL's own parser. Applying them is tested with the provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pglast
import pytest
from pglast import ast
from pglast.enums.parsenodes import ConstrType
from pglast.stream import RawStream

from models.loading import InvalidInput, load_migrations
from models.product import ProductModule
from tests.products.conftest import runtime_of, tenant

TABLES = {  # FC-035
    "tasks",
    "agents",
    "messages",
    "conversations",
    "discord_thread_messages",
    "preferences",
    "workflows",
}
TENANT_DEFAULT = "CAST(NULLIF(current_setting('app.current_tenant', TRUE), '') AS uuid)"


@pytest.fixture(scope="module")
def statements(module: ProductModule) -> list[ast.Node]:
    return [
        raw.stmt for migration in runtime_of(module, tenant()).migrations for raw in pglast.parse_sql(migration.sql)
    ]


@pytest.fixture(scope="module")
def tables(statements: list[ast.Node]) -> dict[str, ast.CreateStmt]:
    return {found.relation.relname: found for found in statements if isinstance(found, ast.CreateStmt)}


def columns(table: ast.CreateStmt) -> Iterator[ast.ColumnDef]:
    return (element for element in table.tableElts if isinstance(element, ast.ColumnDef))


def ranges(node: object) -> Iterator[ast.RangeVar]:
    """Every table that is named somewhere in the statement."""
    if isinstance(node, ast.RangeVar):
        yield node
    elif isinstance(node, ast.Node):
        for slot in node.__slots__:
            yield from ranges(getattr(node, slot, None))
    elif isinstance(node, tuple):
        for item in node:
            yield from ranges(item)


def keys(table: ast.CreateStmt, kind: ConstrType) -> Iterator[list[str]]:
    for element in table.tableElts:
        if isinstance(element, ast.Constraint) and element.contype == kind:
            names = element.fk_attrs if kind == ConstrType.CONSTR_FOREIGN else element.keys
            yield [name.sval for name in names]


def test_versions_and_names(module: ProductModule) -> None:
    found = runtime_of(module, tenant()).migrations
    assert [(migration.version, migration.name) for migration in found] == [
        (1, "01-schema.sql"),
        (2, "02-business-schema.sql"),
        (3, "03-discord-threads.sql"),
    ]


def test_the_seven_tables(tables: dict[str, ast.CreateStmt]) -> None:
    assert set(tables) == TABLES


def test_tenant_id_of_every_table(tables: dict[str, ast.CreateStmt]) -> None:  # FC-276
    for name, table in tables.items():
        column = next(found for found in columns(table) if found.colname == "tenant_id")
        assert column.typeName.names[-1].sval == "uuid"
        constraints = {found.contype: found for found in column.constraints}
        assert ConstrType.CONSTR_NOTNULL in constraints, name
        assert RawStream()(constraints[ConstrType.CONSTR_DEFAULT].raw_expr) == TENANT_DEFAULT, name


def test_every_key_and_index_starts_with_the_tenant(
    statements: list[ast.Node], tables: dict[str, ast.CreateStmt]
) -> None:
    for name, table in tables.items():
        primary = list(keys(table, ConstrType.CONSTR_PRIMARY))
        assert len(primary) == 1, name
        for kind in (ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_FOREIGN):
            assert all(found[0] == "tenant_id" for found in keys(table, kind)), name
    indexes = [found for found in statements if isinstance(found, ast.IndexStmt)]
    assert indexes
    assert all(index.indexParams[0].name == "tenant_id" for index in indexes)


def test_columns_of_tasks(statements: list[ast.Node], tables: dict[str, ast.CreateStmt]) -> None:  # FC-107, FC-109
    found = {column.colname for column in columns(tables["tasks"])}
    for statement in statements:
        if isinstance(statement, ast.AlterTableStmt) and statement.relation.relname == "tasks":
            found |= {command.def_.colname for command in statement.cmds if isinstance(command.def_, ast.ColumnDef)}
    assert found >= {
        "id",
        "tenant_id",
        "name",
        "description",
        "priority",
        "lead_agent",
        "status",
        "discord_thread_id",
        "discord_channel_id",
    }


def test_nothing_but_tables_columns_and_indexes(statements: list[ast.Node]) -> None:
    # Schemas, roles, grants and row-level security are the runner's.
    assert {type(statement) for statement in statements} == {ast.CreateStmt, ast.AlterTableStmt, ast.IndexStmt}


def test_nothing_is_qualified_by_a_schema(statements: list[ast.Node]) -> None:
    for statement in statements:
        assert {found.schemaname for found in ranges(statement)} == {None}


def test_numbering_without_a_gap(tmp_path: Path) -> None:
    for name in ("01-first.sql", "03-third.sql", "note.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(InvalidInput) as caught:
        load_migrations(tmp_path)
    assert [str(problem) for problem in caught.value.problems] == [
        "03-third.sql:1: must be named 02-what-it-does.sql, since migrations are numbered without a gap",
        "note.sql:1: must be named 03-what-it-does.sql, since migrations are numbered without a gap",
    ]
