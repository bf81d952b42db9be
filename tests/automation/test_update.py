"""`foundation up`: what it makes, that a second one changes nothing, and that plain Pulumi agrees."""

from __future__ import annotations

from collections.abc import Callable

from kubernetes import client

from models import names
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]


def test_up_brings_tenants_up_and_a_second_one_changes_nothing(project: Projects) -> None:
    scratch = project("acme", "globex")

    first = scratch.json("up")
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
    with scratch.connect() as database:
        schemas = {row[0] for row in database.execute("SELECT nspname FROM pg_namespace").fetchall()}
    assert {names.database_schema(scratch.slug(name)) for name in ("acme", "globex")} <= schemas

    second = scratch.json("up")
    assert not second["changed"], second["changes"]
    assert second["counts"]["same"] == len(scratch.state()["resources"])

    shown = scratch.cli("up").stdout
    assert "no changes" in shown
    assert names.namespace(scratch.slug("acme")) in shown
    assert str(scratch.directory.kubeconfig) in shown


def test_plain_pulumi_and_foundation_agree(project: Projects) -> None:
    scratch = project("acme")
    stack = f"--stack {scratch.environment}"

    # Plain Pulumi first: the stack is made by hand, as somebody who knows only Pulumi does.
    scratch.cli("sandbox", "start")
    scratch.shell(
        f"pulumi stack init {scratch.environment} && pulumi up {stack} --yes --skip-preview --policy-pack policies"
    )
    assert not scratch.json("up")["changed"]

    scratch.add_tenant("globex", "pro")
    assert scratch.json("up")["changed"]
    scratch.shell(f"pulumi preview {stack} --expect-no-changes --policy-pack policies")
    scratch.shell(f"pulumi up {stack} --yes --skip-preview --expect-no-changes")


def test_preview_shows_changes_by_tenant_and_touches_nothing(project: Projects) -> None:
    scratch = project("acme")
    scratch.cli("up")
    before = scratch.state_file.read_bytes()
    globex = scratch.add_tenant("globex")

    planned = scratch.json("preview")
    assert planned["preview"]
    assert {change["tenant"] for change in planned["changes"]} == {globex, None}
    assert len({change["urn"] for change in planned["changes"]}) == len(planned["changes"])
    assert sum(planned["counts"].values()) == len(scratch.state()["resources"]) + planned["counts"]["create"]
    assert {change["action"] for change in planned["changes"] if change["tenant"] is None} == {"update"}
    assert scratch.state_file.read_bytes() == before
    with scratch.connect() as database:
        assert not database.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = %s", [names.database_schema(globex)]
        ).fetchall()

    # As wide as a pipe is taken to be: a resource is a line all the same.
    scratch.variables.pop("COLUMNS")
    text = scratch.cli("preview").stdout
    assert f"+ {globex}: postgresql:index/defaultPrivileges:DefaultPrivileges {globex}-future-sequences\n" in text
    assert "would be changed" in text
    detailed = scratch.cli("preview", "--diff").stdout
    assert "kubernetes:core/v1:Namespace" in detailed


def test_drift_made_by_hand_is_found_and_mended(project: Projects) -> None:
    scratch = project("acme")
    scratch.cli("up")
    assert not scratch.json("refresh", "--check")["changed"]
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
    assert not scratch.json("up")["changed"]
