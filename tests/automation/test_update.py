"""`foundation up`: what it makes, that a second one changes nothing, and that plain Pulumi agrees.

One environment with two tenants for all tests; each leaves it up and without drift.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from kubernetes import client

from models import names
from tests.scratch import ScratchProject

pytestmark = pytest.mark.xdist_group("update")


class Begun(NamedTuple):
    """The environment, and what its first update reported."""

    scratch: ScratchProject
    report: dict[str, Any]


@pytest.fixture(scope="module")
def begun(module_project: Callable[..., ScratchProject]) -> Begun:
    scratch = module_project("acme", "globex")
    return Begun(scratch, scratch.json("up"))


@pytest.fixture
def scratch(begun: Begun) -> ScratchProject:
    return begun.scratch


def test_up_brings_tenants_up_and_a_second_one_changes_nothing(begun: Begun) -> None:
    scratch, first = begun
    assert first["changed"]
    assert first["counts"]["create"] > 40
    assert [tenant["slug"] for tenant in first["tenants"]] == [scratch.slug("acme"), scratch.slug("globex")]
    assert {way["part"] for way in first["access"]} == {"Kubernetes", "PostgreSQL", "Pulumi"}
    created_for = {change["tenant"] for change in first["changes"]}
    assert created_for == {scratch.slug("acme"), scratch.slug("globex"), None}

    with scratch.kubernetes() as api:
        for name in ("acme", "globex"):
            deployments = client.AppsV1Api(api).list_namespaced_deployment(names.namespace(scratch.slug(name))).items
            assert deployments
            assert all(deployment.status.available_replicas for deployment in deployments)
    assert {names.database_schema(scratch.slug(name)) for name in ("acme", "globex")} <= schemas(scratch)

    second = scratch.cli("up").stdout
    assert f"no changes ({len(scratch.state()['resources'])} resources" in second
    assert names.namespace(scratch.slug("acme")) in second
    assert str(scratch.directory.kubeconfig) in second


def test_preview_shows_changes_by_tenant_and_touches_nothing(scratch: ScratchProject) -> None:
    before = scratch.state_file.read_bytes()
    resources = len(scratch.state()["resources"])
    initech = scratch.add_tenant("initech")

    planned = scratch.json("preview")
    assert planned["preview"]
    assert {change["tenant"] for change in planned["changes"]} == {initech, None}
    assert len({change["urn"] for change in planned["changes"]}) == len(planned["changes"])
    assert sum(planned["counts"].values()) == resources + planned["counts"]["create"]
    assert {change["action"] for change in planned["changes"] if change["tenant"] is None} == {"update"}

    # As wide as a pipe is taken to be: a resource is a line all the same.
    width = scratch.variables.pop("COLUMNS")
    text = scratch.cli("preview").stdout
    scratch.variables["COLUMNS"] = width
    assert f"+ {initech}: postgresql:index/defaultPrivileges:DefaultPrivileges {initech}-future-sequences\n" in text
    assert "would be changed" in text

    assert scratch.state_file.read_bytes() == before
    assert names.database_schema(initech) not in schemas(scratch)
    scratch.file("initech").unlink()


def test_drift_made_by_hand_is_found_and_mended(scratch: ScratchProject) -> None:
    namespace = names.namespace(scratch.slug("acme"))
    role = names.database_role(scratch.slug("acme"))

    with scratch.kubernetes() as api:
        core = client.CoreV1Api(api)
        quota = core.list_namespaced_resource_quota(namespace).items[0]
        right = quota.spec.hard["pods"]
        core.patch_namespaced_resource_quota(quota.metadata.name, namespace, {"spec": {"hard": {"pods": "999"}}})
    with scratch.connect() as database:
        database.execute(f'ALTER ROLE "{role}" CONNECTION LIMIT 77'.encode())

    looked = scratch.json("refresh", "--check", expect=1)
    assert sorted(change["type"] for change in looked["changes"]) == [
        "kubernetes:core/v1:ResourceQuota",
        "postgresql:index/role:Role",
    ]
    found = scratch.json("refresh")
    assert len(found["changes"]) == 2
    mended = scratch.json("up")
    assert {change["action"] for change in mended["changes"]} == {"update"}

    with scratch.kubernetes() as api:
        assert (
            client.CoreV1Api(api).read_namespaced_resource_quota(quota.metadata.name, namespace).spec.hard["pods"]
            == right
        )
    with scratch.connect() as database:
        assert database.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", [role]).fetchone() == (5,)
    assert not scratch.json("refresh", "--check")["changed"]


def test_plain_pulumi_and_foundation_agree(scratch: ScratchProject) -> None:
    stack = f"--stack {scratch.environment} --policy-pack policies"
    scratch.shell(f"pulumi preview {stack} --expect-no-changes")

    scratch.add_tenant("hooli", "pro")
    scratch.shell(f"pulumi up {stack} --yes --skip-preview")
    assert names.database_schema(scratch.slug("hooli")) in schemas(scratch)
    assert not scratch.json("up")["changed"]


def schemas(scratch: ScratchProject) -> set[str]:
    with scratch.connect() as database:
        return {row[0] for row in database.execute("SELECT nspname FROM pg_namespace").fetchall()}
