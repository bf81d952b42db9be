"""The same objects by bare API calls: server-side apply and SQL, with no engine, no state and no checks.

What is applied comes from the state of the update that it is compared with: the same manifests, the same roles,
schemas, grants and migrations, in the same order. It is the least that any tool could do.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from kubernetes import config
from kubernetes.dynamic import DynamicClient
from psycopg import sql

# As many at once as the engine's default on two cores (four for each).
PARALLEL = 8
MANAGER = "bare"
AVAILABLE_SECONDS = 600

ROOT = Path(__file__).resolve().parent.parent

State = list[dict[str, Any]]
Inputs = Mapping[str, Any]


@dataclass
class Bare:
    """Bare clients of one sandbox."""

    kubeconfig: str
    connect: Callable[[str], psycopg.Connection[tuple[Any, ...]]]
    """Logs in to a database as superuser."""

    def apply(self, resources: State) -> int:
        """Make every object of the state, wait until the Deployments are available; the number of objects."""
        statements = [resource for resource in resources if resource["type"] in SQL]
        manifests = [resource["inputs"] for resource in resources if _is_manifest(resource)]
        self._apply_sql(statements)
        # Namespaces and definitions first, the rest side by side: what the dependencies in the program say too.
        first = [manifest for manifest in manifests if manifest["kind"] in ("Namespace", "CustomResourceDefinition")]
        rest = [manifest for manifest in manifests if manifest not in first]
        for group in (first, rest):
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(self._apply_manifest, group))
        self._await_deployments({item["metadata"]["namespace"] for item in rest if item["kind"] == "Deployment"})
        return len(statements) + len(manifests)

    def _apply_manifest(self, manifest: Inputs) -> None:
        self.cluster.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"]).server_side_apply(
            body=manifest,
            name=manifest["metadata"]["name"],
            namespace=manifest["metadata"].get("namespace"),
            field_manager=MANAGER,
            force_conflicts=True,
        )

    @cached_property
    def cluster(self) -> Any:
        """A client that discovers the cluster's kinds once; its connections are a pool that threads share."""
        api = config.new_client_from_config(config_file=self.kubeconfig)  # type: ignore[no-untyped-call]
        return DynamicClient(api)  # type: ignore[no-untyped-call]

    def _await_deployments(self, namespaces: set[str]) -> None:
        waiting = set(namespaces)
        if not waiting:
            return
        deployments = self.cluster.resources.get(api_version="apps/v1", kind="Deployment")
        for event in deployments.watch(timeout=AVAILABLE_SECONDS):
            item = event["raw_object"]
            if item["status"].get("availableReplicas", 0) >= 1:
                waiting.discard(item["metadata"]["namespace"])
            if not waiting:
                return
        raise TimeoutError(f"Deployments in {', '.join(sorted(waiting))} did not become available")

    def _apply_sql(self, resources: State) -> None:
        connections: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}
        try:
            for resource in resources:
                inputs = resource["inputs"]
                database = inputs.get("database") or "postgres"
                if resource["type"] in SERVER_WIDE:
                    database = "postgres"
                if database not in connections:
                    connections[database] = self.connect(database)
                for statement in SQL[resource["type"]](inputs):
                    _idempotent(connections[database], statement)
        finally:
            for connection in connections.values():
                connection.close()


def _is_manifest(resource: Mapping[str, Any]) -> bool:
    return str(resource["type"]).startswith("kubernetes:") and "apiVersion" in resource.get("inputs", {})


def _idempotent(connection: psycopg.Connection[tuple[Any, ...]], statement: sql.Composable) -> None:
    with contextlib.suppress(
        psycopg.errors.DuplicateObject, psycopg.errors.DuplicateSchema, psycopg.errors.DuplicateDatabase
    ):
        connection.execute(statement.as_string(connection).encode())


def _names(values: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(value) for value in values)


def _words(values: Iterable[str]) -> sql.Composed:
    # Privileges are keywords: they come from our own program, never from a tenant.
    return sql.SQL(", ").join(sql.SQL(value) for value in values)


def _database(inputs: Inputs) -> list[sql.Composable]:
    return [sql.SQL("CREATE DATABASE {}").format(sql.Identifier(inputs["name"]))]


def _role(inputs: Inputs) -> list[sql.Composable]:
    name = sql.Identifier(inputs["name"])
    login = sql.SQL("LOGIN" if inputs.get("login") else "NOLOGIN")
    statements: list[sql.Composable] = [sql.SQL("CREATE ROLE {} {}").format(name, login)]
    if inputs.get("password"):
        statements.append(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(inputs["password"])))
    return statements


def _schema(inputs: Inputs) -> list[sql.Composable]:
    statement = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(inputs["name"]))
    if inputs.get("owner"):
        statement += sql.SQL(" AUTHORIZATION {}").format(sql.Identifier(inputs["owner"]))
    return [statement]


def _grant(inputs: Inputs) -> list[sql.Composable]:
    kind, privileges = inputs["objectType"], inputs.get("privileges") or []
    role = sql.SQL("PUBLIC") if inputs["role"] == "public" else sql.Identifier(inputs["role"])
    if kind == "database":
        on = sql.SQL("DATABASE {}").format(sql.Identifier(inputs["database"]))
    elif kind == "schema":
        on = sql.SQL("SCHEMA {}").format(sql.Identifier(inputs["schema"]))
    elif inputs.get("objects"):
        on = sql.SQL(f"{kind.upper()} ") + _names(inputs["objects"])
    else:
        on = sql.SQL(f"ALL {kind.upper()}S IN SCHEMA {{}}").format(sql.Identifier(inputs["schema"]))
    statements: list[sql.Composable] = [sql.SQL("REVOKE ALL ON {} FROM {}").format(on, role)]
    if privileges:
        statements.append(sql.SQL("GRANT {} ON {} TO {}").format(_words(privileges), on, role))
    return statements


def _grant_role(inputs: Inputs) -> list[sql.Composable]:
    return [
        sql.SQL("GRANT {} TO {}").format(sql.Identifier(inputs["grantRole"]), sql.Identifier(inputs["role"])),
    ]


def _default_privileges(inputs: Inputs) -> list[sql.Composable]:
    statement = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}").format(sql.Identifier(inputs["owner"]))
    if inputs.get("schema"):
        statement += sql.SQL(" IN SCHEMA {}").format(sql.Identifier(inputs["schema"]))
    role = sql.SQL("PUBLIC") if inputs["role"] == "public" else sql.Identifier(inputs["role"])
    kind = sql.SQL(f"{inputs['objectType'].upper()}S")
    if not inputs.get("privileges"):
        return [statement + sql.SQL(" REVOKE ALL ON {} FROM {}").format(kind, role)]
    return [statement + sql.SQL(" GRANT {} ON {} TO {}").format(_words(inputs["privileges"]), kind, role)]


def _settings(inputs: Inputs) -> list[sql.Composable]:
    return [
        sql.SQL("ALTER ROLE {} SET {} = {}").format(
            sql.Identifier(inputs["role"]), sql.Identifier(*name.split(".")), sql.Literal(value)
        )
        for name, value in inputs["settings"].items()
    ]


def _migrations(inputs: Inputs) -> list[sql.Composable]:
    statements: list[sql.Composable] = [
        sql.SQL("SET ROLE {}").format(sql.Identifier(inputs["owner"])),
        sql.SQL("SET search_path TO {}").format(sql.Identifier(inputs["schema"])),
    ]
    # The state keeps checksums, not the text; the platform's own step is one statement and left out.
    names = [migration["name"] for migration in inputs["migrations"]]
    files = [file for name in names for file in (ROOT / "products").glob(f"*/migrations/{name}")]
    steps = [sql.SQL(file.read_text()) for file in files]
    return [*statements, *steps, sql.SQL("RESET ROLE"), sql.SQL("RESET search_path")]


SQL: dict[str, Callable[[Inputs], list[sql.Composable]]] = {
    "postgresql:index/database:Database": _database,
    "postgresql:index/role:Role": _role,
    "postgresql:index/schema:Schema": _schema,
    "postgresql:index/grant:Grant": _grant,
    "postgresql:index/grantRole:GrantRole": _grant_role,
    "postgresql:index/defaultPrivileges:DefaultPrivileges": _default_privileges,
    "foundation:postgres:RoleSettings": _settings,
    "foundation:postgres:SchemaMigrations": _migrations,
}
SERVER_WIDE = (
    "postgresql:index/database:Database",
    "postgresql:index/role:Role",
    "postgresql:index/grantRole:GrantRole",
)


def in_clear(value: Any) -> Any:
    """The value of an exported state without the marks of secrets."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return in_clear(json.loads(value["plaintext"]))
        return {key: in_clear(inner) for key, inner in value.items() if key != "__defaults"}
    if isinstance(value, list):
        return [in_clear(inner) for inner in value]
    return value
