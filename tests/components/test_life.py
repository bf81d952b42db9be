"""Changes in a tenant's life on the real engine, cluster and database."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from kubernetes import client
from kubernetes.client import ApiException

from models import names
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]


@contextmanager
def logged_in(project: ScratchProject, slug: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of the tenant's own role, with the password that its pods have."""
    with project.kubernetes() as api:
        secret = client.CoreV1Api(api).read_namespaced_secret(names.secret(slug), names.namespace(slug))
    password = base64.b64decode(secret.data["db_password"]).decode()
    with project.connect() as administrator:
        address = {"host": administrator.info.host, "port": administrator.info.port, "dbname": project.database}
    with psycopg.connect(**address, user=names.database_role(slug), password=password, autocommit=True) as session:
        yield session


def deployment(project: ScratchProject, slug: str) -> Any:
    with project.kubernetes() as api:
        return client.AppsV1Api(api).read_namespaced_deployment(names.workload("seldon", slug), names.namespace(slug))


def routed(project: ScratchProject, slug: str) -> bool:
    with project.kubernetes() as api:
        try:
            client.CustomObjectsApi(api).get_namespaced_custom_object(
                "traefik.io", "v1alpha1", names.namespace(slug), "ingressroutes", names.ingress_route(slug)
            )
        except ApiException as error:
            if error.status != 404:
                raise
            return False
    return True


def talk(session: psycopg.Connection[Any], title: str) -> None:
    session.execute("INSERT INTO conversations (title) VALUES (%s)", (title,))


def talks(session: psycopg.Connection[Any]) -> list[str]:
    return [title for (title,) in session.execute("SELECT title FROM conversations ORDER BY title")]


def test_suspended_reads_inactive_rests_active_is_as_before(project: Projects) -> None:
    scratch = project("acme")
    slug = scratch.slug("acme")
    scratch.cli("up")
    with logged_in(scratch, slug) as session:
        talk(session, "first")

    scratch.edit("acme", status="suspended")
    scratch.cli("up")
    assert deployment(scratch, slug).status.available_replicas == 1
    assert routed(scratch, slug)
    with logged_in(scratch, slug) as session:
        assert talks(session) == ["first"]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            talk(session, "second")
        # A session can switch the setting off, but not the grants.
        session.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            talk(session, "second")

    scratch.edit("acme", status="inactive")
    scratch.cli("up")
    assert deployment(scratch, slug).spec.replicas == 0
    assert not routed(scratch, slug)

    scratch.edit("acme", status="active")
    scratch.cli("up")
    assert deployment(scratch, slug).status.available_replicas == 1
    assert routed(scratch, slug)
    with logged_in(scratch, slug) as session:
        talk(session, "second")
        assert talks(session) == ["first", "second"]


def test_a_plan_changes_in_place_up_and_down(project: Projects) -> None:
    scratch = project("acme")
    slug = scratch.slug("acme")

    def bounds() -> tuple[str, str, int, str]:
        with scratch.kubernetes() as api:
            core = client.CoreV1Api(api)
            namespace = core.read_namespace(names.namespace(slug))
            quota = core.read_namespaced_resource_quota("tenant", names.namespace(slug))
            autoscaler = client.AutoscalingV2Api(api).read_namespaced_horizontal_pod_autoscaler(
                names.autoscaler("seldon", slug), names.namespace(slug)
            )
        live = deployment(scratch, slug)
        assert live.status.updated_replicas == live.status.available_replicas == live.status.replicas == 1
        seldon = next(one for one in live.spec.template.spec.containers if one.name == "seldon")
        return (
            namespace.metadata.uid,
            quota.spec.hard["pods"],
            autoscaler.spec.max_replicas,
            seldon.resources.limits["cpu"],
        )

    scratch.cli("up")
    with logged_in(scratch, slug) as session:
        talk(session, "first")
    namespace, *starter = bounds()
    assert starter == ["2", 1, "1"]

    scratch.edit("acme", plan="pro")
    scratch.cli("up")
    assert bounds() == (namespace, "6", 5, "2")

    # As the autoscaler does: an update leaves its number of replicas alone.
    with scratch.kubernetes() as api:
        client.AppsV1Api(api).patch_namespaced_deployment_scale(
            names.workload("seldon", slug), names.namespace(slug), {"spec": {"replicas": 3}}
        )
    scratch.cli("up")
    assert deployment(scratch, slug).spec.replicas == 3

    # The old pod of the larger plan is still there when the new one comes: the quota has room for both.
    scratch.edit("acme", plan="starter")
    scratch.cli("up")
    assert bounds() == (namespace, "2", 1, "1")
    with logged_in(scratch, slug) as session:
        assert talks(session) == ["first"]


def test_a_role_reaches_nothing_but_its_schema(project: Projects) -> None:
    scratch = project("acme", "globex")
    scratch.cli("up")
    acme, globex = scratch.slug("acme"), scratch.slug("globex")
    with logged_in(scratch, acme) as session:
        assert session.execute("SHOW search_path").fetchone() == (f"{names.database_schema(acme)}, public",)
        for forbidden in (
            f"SELECT * FROM {names.database_schema(globex)}.tasks",
            "CREATE TABLE stray (id int)",
            "CREATE TEMPORARY TABLE stray (id int)",
            "CREATE SCHEMA stray",
            "TRUNCATE tasks",
            f"SET ROLE {scratch.database}_owner",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(forbidden.encode())
