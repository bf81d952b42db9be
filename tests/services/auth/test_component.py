"""What an update makes for the service: tables, a role with few rights, a Secret, hardened pods."""

from __future__ import annotations

import base64
from typing import Any

import pulumi
import pytest
from psycopg.conninfo import conninfo_to_dict

from components.auth.database import migrations
from components.auth.service import AuthService, AuthServiceArgs
from components.postgres.connection import DatabaseServer
from models.environment import PodSelector
from provider.plugin.values import Secret, reveal
from services.auth.privileges import TABLES
from tests.components.monitor import Graph, run


@pytest.fixture(scope="module")
def graph() -> Graph:
    def program() -> None:
        AuthService(
            "auth",
            AuthServiceArgs(
                namespace="foundation",
                domain="example.com",
                image="ghcr.io/foundation/auth-service:v1.0",
                key_kind="live",
                server=DatabaseServer(host="db.internal", port=5433, username="postgres", password="the-admin"),
                database="auth_db",
                owner="foundation_owner",
                migrations=migrations(),
                prometheus=PodSelector(namespace="monitoring", labels={"app": "prometheus"}),
            ),
        )
        pulumi.export("done", True)

    made = run(program)
    assert made.error == ""
    return made


def pod(graph: Graph) -> dict[str, Any]:
    spec: dict[str, Any] = graph.kind("Deployment").inputs["spec"]["template"]["spec"]
    return spec


def test_rights_are_those_that_the_statements_need(graph: Graph) -> None:
    grants = {
        found.inputs["objects"][0]: tuple(found.inputs["privileges"])
        for found in graph.of_type("postgresql:index/grant:Grant")
        if found.inputs["objectType"] == "table"
    }
    assert grants == {table: tuple(sorted(privileges)) for table, privileges in TABLES.items()}
    assert grants["audit_log"] == ("INSERT", "SELECT"), "what happened can't be changed"
    (role,) = graph.of_type("postgresql:index/role:Role")
    assert role.inputs["name"] == "auth_db_service"
    assert not any(role.inputs[right] for right in ("superuser", "createDatabase", "createRole", "replication"))


def test_tables_come_from_the_migrations(graph: Graph) -> None:
    (made,) = graph.of_type("foundation:postgres:SchemaMigrations")
    assert (made.inputs["database"], made.inputs["schema"]) == ("auth_db", "public")
    assert [step["version"] for step in made.inputs["migrations"]] == [1, 2, 3]


def test_the_files_of_the_secret_are_the_services_settings(graph: Graph) -> None:
    data = graph.kind("Secret").inputs["data"]
    assert isinstance(data, Secret), "never in clear in the state"
    files = {name: base64.b64decode(value).decode() for name, value in reveal(data).items()}
    assert set(files) == {"auth_database", "auth_secret"}
    login = conninfo_to_dict(files["auth_database"])
    assert {name: login[name] for name in ("host", "port", "dbname", "sslmode")} == {
        "host": "db.internal", "port": "5433", "dbname": "auth_db", "sslmode": "verify-full",
    }  # fmt: skip
    assert "the-admin" not in files["auth_database"]


def test_pods_are_hardened_and_told_no_secret(graph: Graph) -> None:
    (container,) = pod(graph)["containers"]
    assert {entry["name"]: entry["value"] for entry in container["env"]} == {
        "AUTH_DOMAIN": "example.com", "AUTH_KEY_KIND": "live", "AUTH_SECRETS_DIR": "/run/secrets/auth",
    }  # fmt: skip
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod(graph)["securityContext"]["runAsNonRoot"] is True
    assert pod(graph)["automountServiceAccountToken"] is False


def test_only_traefik_and_prometheus_reach_it(graph: Graph) -> None:
    """It believes what its requests say of hosts and addresses."""
    (rule,) = graph.kind("NetworkPolicy").inputs["spec"]["ingress"]
    assert [peer["podSelector"]["matchLabels"] for peer in rule["from"]] == [{"app": "traefik"}, {"app": "prometheus"}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]
