"""Changes in a tenant's life on the real engine, cluster and database."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
import pytest
from kubernetes import client
from kubernetes.client import ApiException

from models import names
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]

# Long ones have groups: those begin first.
pytestmark = pytest.mark.xdist_group("life")


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


class Bounds(NamedTuple):
    """What a plan sets, as the cluster has it."""

    pods: str
    replicas: int
    cores: str


STARTER, PRO = Bounds("2", 1, "1"), Bounds("6", 5, "2")


def bounds(project: ScratchProject, slug: str) -> Bounds:
    namespace = names.namespace(slug)
    with project.kubernetes() as api:
        quota = client.CoreV1Api(api).read_namespaced_resource_quota("tenant", namespace)
        autoscaler = client.AutoscalingV2Api(api).read_namespaced_horizontal_pod_autoscaler(
            names.autoscaler("seldon", slug), namespace
        )
    live = deployment(project, slug)
    assert live.status.updated_replicas == live.status.available_replicas == live.status.replicas
    seldon = next(one for one in live.spec.template.spec.containers if one.name == "seldon")
    return Bounds(quota.spec.hard["pods"], autoscaler.spec.max_replicas, seldon.resources.limits["cpu"])


def identity(project: ScratchProject, slug: str) -> str:
    with project.kubernetes() as api:
        return str(client.CoreV1Api(api).read_namespace(names.namespace(slug)).metadata.uid)


def test_statuses_and_plans_change_in_place(project: Projects) -> None:
    """Acme is suspended, rests and comes back; globex takes a larger plan and a smaller one, in the same updates."""
    scratch = project("acme", "globex")
    acme, globex = scratch.slug("acme"), scratch.slug("globex")
    scratch.apply()
    _reaches_nothing_but_its_schema(scratch, acme, globex)
    before = identity(scratch, globex)
    assert bounds(scratch, globex) == STARTER
    for slug in (acme, globex):
        with logged_in(scratch, slug) as session:
            talk(session, "first")

    scratch.edit("acme", status="suspended")
    scratch.edit("globex", plan="pro")
    scratch.apply()
    assert deployment(scratch, acme).status.available_replicas == 1
    assert routed(scratch, acme)
    with logged_in(scratch, acme) as session:
        assert talks(session) == ["first"]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            talk(session, "second")
        # A session can switch the setting off, but not the grants.
        session.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            talk(session, "second")
    assert bounds(scratch, globex) == PRO
    # As the autoscaler does: an update leaves its number of replicas alone.
    with scratch.kubernetes() as api:
        client.AppsV1Api(api).patch_namespaced_deployment_scale(
            names.workload("seldon", globex), names.namespace(globex), {"spec": {"replicas": 3}}
        )

    scratch.edit("acme", status="inactive")
    scratch.edit("globex", image_tag="1.2.3")
    scratch.apply()
    assert deployment(scratch, acme).spec.replicas == 0
    assert not routed(scratch, acme)
    assert deployment(scratch, globex).spec.replicas == 3

    # The old pod of the larger plan is still there when the new one comes: the quota has room for both.
    scratch.edit("acme", status="active")
    scratch.edit("globex", plan="starter")
    scratch.apply()
    assert deployment(scratch, acme).status.available_replicas == 1
    assert routed(scratch, acme)
    with logged_in(scratch, acme) as session:
        talk(session, "second")
        assert talks(session) == ["first", "second"]
    assert bounds(scratch, globex) == STARTER
    assert identity(scratch, globex) == before
    with logged_in(scratch, globex) as session:
        assert talks(session) == ["first"]


def _reaches_nothing_but_its_schema(scratch: ScratchProject, acme: str, globex: str) -> None:
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
