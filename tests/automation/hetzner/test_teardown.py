"""Taking a cluster down: what controllers made goes first, by their own hand where they still work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client, config
from pulumi.automation import CommandError

from automation import removal, teardown
from automation.errors import FoundationError
from automation.report import Report
from local.sandbox import Sandbox
from tests.automation.hetzner.test_orphans import Planted
from tests.hetzner_emulator.conftest import Project, emulator, emulators, finish, project
from tests.sandbox.conftest import eventually, modules_own, own

__all__ = ["emulator", "emulators", "modules_own", "own", "project"]

NAMESPACE = "shop"
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}


@pytest.fixture
def api(own: Sandbox) -> Iterator[Any]:
    """A cluster of the test's own: a teardown knows no bounds."""
    connect: Any = config.new_client_from_config
    with connect(config_file=str(own.directory.kubeconfig)) as connected:
        yield connected


def template(app: str, **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": app, "image": f"{app}:v1"}], **spec}
    return {"replicas": 1, "selector": {"matchLabels": {"app": app}}, "template": {
        "metadata": {"labels": {"app": app}}, "spec": pod}}  # fmt: skip


def fill(api: Any) -> None:
    """A load balancer, two claims with what uses them, a bystander, and the cluster autoscaler."""
    core: Any = client.CoreV1Api(api)
    apps: Any = client.AppsV1Api(api)
    core.create_namespace({"metadata": {"name": NAMESPACE}})
    ports = [{"port": 443}]
    for name, kind in (("edge", "LoadBalancer"), ("inside", "ClusterIP")):
        core.create_namespaced_service(
            NAMESPACE, {"metadata": {"name": name}, "spec": {"type": kind, "ports": ports, "selector": {"app": "web"}}}
        )
    core.create_namespaced_persistent_volume_claim(NAMESPACE, {"metadata": {"name": "files"}, "spec": CLAIM})
    claim = {"name": "files", "persistentVolumeClaim": {"claimName": "files"}}
    apps.create_namespaced_deployment(
        NAMESPACE, {"metadata": {"name": "web"}, "spec": template("web", volumes=[claim])}
    )
    apps.create_namespaced_deployment(NAMESPACE, {"metadata": {"name": "other"}, "spec": template("other")})
    database = {**template("db"), "serviceName": "db", "volumeClaimTemplates": [
        {"metadata": {"name": "data"}, "spec": CLAIM}]}  # fmt: skip
    apps.create_namespaced_stateful_set(NAMESPACE, {"metadata": {"name": "db"}, "spec": database})
    apps.create_namespaced_deployment(
        "kube-system", {"metadata": {"name": "cluster-autoscaler"}, "spec": template("autoscaler")}
    )

    def claimed() -> None:
        assert len(core.list_namespaced_persistent_volume_claim(NAMESPACE).items) == 2

    eventually(claimed)


def test_the_cluster_frees_what_its_controllers_hold(api: Any, project: Project) -> None:
    fill(api)
    core: Any = client.CoreV1Api(api)
    apps: Any = client.AppsV1Api(api)
    planted = Planted(project, "prod")
    told: list[str] = []

    def left() -> list[Any]:
        # The cloud controller manager at work: no Service, no load balancer.
        found = [item for item in planted.found() if item.maker != "foundation"]
        services = {service.metadata.name for service in core.list_namespaced_service(NAMESPACE).items}
        if "edge" not in services:
            for item in found:
                if item.kind == "load balancer":
                    finish(item.bound.delete().action)
        return [item for item in found if item.kind != "volume"]

    teardown.free(api, left, told.append, patience=30)
    assert [service.metadata.name for service in core.list_namespaced_service(NAMESPACE).items] == ["inside"]
    assert core.list_namespaced_persistent_volume_claim(NAMESPACE).items == []
    replicas = {item.metadata.name: item.spec.replicas for item in apps.list_namespaced_deployment(NAMESPACE).items}
    assert replicas == {"web": 0, "other": 1}
    assert apps.read_namespaced_deployment("cluster-autoscaler", "kube-system").spec.replicas == 0
    assert not any("didn't free" in line for line in told), told
    assert {item.kind for item in planted.found()} >= {"server", "volume", "network"}
    assert "load balancer" not in {item.kind for item in planted.found()}
    # Again, as after an interruption: there is nothing left to do.
    told.clear()
    teardown.free(api, left, told.append, patience=30)
    assert told == []


def test_controllers_that_do_not_work_are_waited_for_no_longer_than_said(api: Any, project: Project) -> None:
    core: Any = client.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": "stuck"}})
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "web"}}
    core.create_namespaced_service("stuck", {"metadata": {"name": "edge"}, "spec": spec})
    planted = Planted(project, "prod")
    told: list[str] = []
    teardown.free(api, planted.found, told.append, patience=1)
    assert told[-1] == "the cluster's controllers didn't free everything in 1 s: it is deleted at Hetzner"


def test_nothing_is_left_of_the_cluster_and_all_of_its_neighbour(project: Project) -> None:
    one, other = Planted(project, "prod"), Planted(project, "test", "10.1.0.0/16")
    before = other.names()
    finish(one.node.change_protection(delete=True, rebuild=True))
    teardown.sweep(one.cloud, str)
    assert one.found() == []
    assert other.names() == before


class Engine:
    """A stack whose destruction fails with each of the messages, one a run."""

    def __init__(self, *messages: str) -> None:
        self.messages = list(messages)
        self.runs = 0

    def destroy(self, **options: Any) -> None:
        self.runs += 1
        if self.messages:
            raise CommandError(SimpleNamespace(stdout="", stderr=self.messages.pop(0), code=255))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "runs"), [("hcloud: detaching (resource_already_detaching, 1a)", 2), ("no such file", 1)]
)
def test_a_destruction_is_begun_again_where_hetzner_was_busy(
    message: str, runs: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(removal, "PAUSE", 0)
    engine: Any = Engine(message)
    if runs == 1:
        with pytest.raises(FoundationError):
            removal._destroy(engine, Report("down"), str)
    else:
        removal._destroy(engine, Report("down"), str)
    assert engine.runs == runs
