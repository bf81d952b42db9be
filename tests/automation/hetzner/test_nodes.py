"""Rolling and removing nodes, on the sandbox's cluster: its scheduler, evictions and budgets are Kubernetes' own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kubernetes import client

from automation import drain, nodes
from automation.cluster import Unreachable, reached
from automation.engine import open_stack
from automation.errors import BadInput, FoundationError, Refused
from automation.project import Project
from automation.running import Tell
from local.kubernetes.api import ClusterApi
from local.kubernetes.nodes import Node
from local.kubernetes.setup import add_nodes, remove_node
from models.hetzner import Hetzner, node_names
from tests.conftest import Projects
from tests.sandbox.conftest import eventually
from tests.scratch import ScratchProject

pytestmark = pytest.mark.xdist_group("nodes")


def comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip().startswith("#")]


class World:
    """The nodes that the settings ask for, as an update makes them; and a workload that runs on them."""

    def __init__(self, scratch: ScratchProject) -> None:
        self.scratch = scratch
        self.project = Project(scratch.folder, scratch.environment, scratch.directory)
        self.cluster = f"c{scratch.id}"
        self.namespace = f"rolled-{scratch.id}"
        self.updates: list[set[str]] = []
        self.told: list[str] = []
        self.write()

    def write(self, **pools: Any) -> None:
        """Settings with 2 servers in pool shared."""
        hetzner = {
            "cluster": self.cluster,
            "credentials_file": ".foundation/hetzner.json",
            "admin_cidrs": ["203.0.113.0/24"],
            "pools": {"shared": {"count": 2}, **pools},
        }
        self.scratch.write_settings(hetzner=hetzner)

    @property
    def settings(self) -> Hetzner:
        settings = self.project.load().settings.hetzner
        assert settings is not None
        return settings

    @property
    def api(self) -> Any:
        return self.scratch.kubernetes()

    def nodes(self) -> set[str]:
        with self.api as api:
            listed: Any = client.CoreV1Api(api)
            names = {node.metadata.name for node in listed.list_node().items}
        return {name for name in names if name.startswith(f"{self.cluster}-")}

    def update(self, project: Project, tell: Tell) -> None:
        """What ``up`` does with the servers, and what the cluster does with their nodes."""
        pools = {"control-plane": self.settings.control_plane, "shared": self.settings.pools["shared"]}
        wanted = {
            name: Node(name, 4, 8, {"rolled": self.cluster} if pool == "shared" else {})
            for pool, settings in pools.items()
            for name in node_names(self.cluster, pool, settings)
        }
        here = self.nodes()
        cluster = ClusterApi(self.scratch.directory.kubeconfig)
        with self.api as api:
            for name in here - wanted.keys():
                assert list(drain.movable(api, name)) == [], f"{name} goes with pods on it"
                remove_node(cluster, name)
        add_nodes(cluster, [node for name, node in wanted.items() if name not in here])
        cluster.close()
        self.updates.append(set(wanted))

    def run_pods(self, replicas: int = 4, **budget: Any) -> None:
        """A Deployment on the pool's nodes, with a PodDisruptionBudget."""
        labels = {"app": "web"}
        pod = {
            "nodeSelector": {"rolled": self.cluster},
            "containers": [{"name": "web", "image": "web:v1"}],
        }
        deployment = {
            "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
        budget_spec = {"selector": {"matchLabels": labels}, **(budget or {"max_unavailable": 1})}
        with self.api as api:
            core: Any = client.CoreV1Api(api)
            apps: Any = client.AppsV1Api(api)
            policy: Any = client.PolicyV1Api(api)
            core.create_namespace({"metadata": {"name": self.namespace}})
            apps.create_namespaced_deployment(self.namespace, deployment)
            spec = client.V1PodDisruptionBudgetSpec(
                selector=client.V1LabelSelector(match_labels=labels),
                **{key: value for key, value in budget_spec.items() if key != "selector"},
            )
            meta = client.V1ObjectMeta(name="web")
            policy.create_namespaced_pod_disruption_budget(
                self.namespace, client.V1PodDisruptionBudget(metadata=meta, spec=spec)
            )

            def counted() -> None:
                found = policy.read_namespaced_pod_disruption_budget("web", self.namespace).status
                assert found.current_healthy == replicas

            eventually(counted)

    def roll(self) -> int:
        return nodes.roll(self.project, "shared", self.told.append, self.update)


@pytest.fixture
def world(project: Projects) -> Iterator[World]:
    """Its nodes are there."""
    made = World(project())
    made.update(made.project, str)
    yield made
    cluster = ClusterApi(made.scratch.directory.kubeconfig)
    with made.api as api:
        core: Any = client.CoreV1Api(api)
        if made.namespace in {item.metadata.name for item in core.list_namespace().items}:
            core.delete_namespace(made.namespace)
    for name in made.nodes():
        remove_node(cluster, name)
    cluster.close()


def test_a_pool_is_rolled_with_its_pods(world: World) -> None:
    world.run_pods()
    before = world.scratch.settings_file.read_text()
    assert world.roll() == 2
    slots = [f"{world.cluster}-shared-{slot:02d}-g2" for slot in (1, 2)]
    assert {name for name in world.nodes() if "-shared-" in name} == set(slots)
    assert world.settings.pools["shared"].generation == 2
    assert world.settings.pools["shared"].generations == {}
    # One server more than usual at any time, never one less.
    assert [sum("-shared-" in name for name in update) for update in world.updates[1:]] == [3, 2, 3, 2, 2]
    with world.api as api:
        assert sum(len(list(drain.movable(api, name))) for name in slots) == 4
    # Comments and the rest of the file stay.
    after = world.scratch.settings_file.read_text()
    assert [line for line in comments(before) if line not in comments(after)] == []
    settings, changed = (yaml.safe_load(text)["config"]["foundation:environment"] for text in (before, after))
    changed["hetzner"]["pools"]["shared"].pop("generation")
    assert changed == settings


@pytest.mark.parametrize("after", [False, True])
def test_an_interrupted_roll_goes_on(world: World, after: bool) -> None:
    class Killed(Exception):
        """The process ended here."""

    runs = 0

    def update(project: Project, tell: Tell) -> None:
        nonlocal runs
        runs += 1
        if after:
            world.update(project, tell)
        if runs % 2:
            raise Killed
        if not after:
            world.update(project, tell)

    attempts = 0
    while attempts == 0 or world.settings.pools["shared"].generation == 1:
        attempts += 1
        assert attempts < 10
        with contextlib.suppress(Killed):
            nodes.roll(world.project, "shared", update=update)
    assert attempts > 2
    pool = world.settings.pools["shared"]
    assert (pool.generation, pool.generations, pool.retiring) == (2, {}, {})
    assert {name for name in world.nodes() if "-shared-" in name} == {
        f"{world.cluster}-shared-{slot:02d}-g2" for slot in (1, 2)
    }


def test_a_roll_that_only_had_to_remove_the_last_server_ends_there(world: World) -> None:
    world.write(shared={"count": 2, "generation": 2})
    assert world.roll() == 2
    assert world.settings.pools["shared"].generation == 2
    assert {name[-2:] for name in world.nodes() if "-shared-" in name} == {"g2"}


def test_a_budget_that_never_lets_go_is_found_before_anything_is_touched(world: World) -> None:
    world.run_pods(min_available=4)
    before = world.scratch.settings_file.read_text()
    with pytest.raises(Refused, match="1 PodDisruptionBudgets hold pods") as refused:
        world.roll()
    assert f"{world.namespace}/web allows no pod to move" in refused.value.problems[0]
    assert world.scratch.settings_file.read_text() == before
    # One that holds them for now is named when patience ends.
    with world.api as api:
        name = next(name for name in world.nodes() if list(drain.movable(api, name)))
        with pytest.raises(FoundationError, match=f"node {name} still has") as failed:
            drain.drain(api, name, patience=1)
        assert "held by PodDisruptionBudget web" in failed.value.problems[0]


def test_pods_of_nobody_are_not_evicted(world: World) -> None:
    name = f"{world.cluster}-shared-01-g1"
    with world.api as api:
        core: Any = client.CoreV1Api(api)
        core.create_namespace({"metadata": {"name": world.namespace}})
        container = {"name": "shell", "image": "shell:v1"}
        core.create_namespaced_pod(
            world.namespace,
            {"metadata": {"name": "shell"}, "spec": {"nodeName": name, "containers": [container]}},
        )
        with pytest.raises(Refused, match="nobody would start elsewhere"):
            drain.drain(api, name, patience=1)
        assert [pod.metadata.name for pod in drain.movable(api, name)] == ["shell"]


def test_the_control_plane_is_rolled_only_when_it_is_whole(world: World) -> None:
    missing = f"{world.cluster}-control-plane-02-g1"
    cluster = ClusterApi(world.scratch.directory.kubeconfig)
    remove_node(cluster, missing)
    cluster.close()
    with pytest.raises(Refused, match="isn't whole") as refused:
        nodes.roll(world.project, "control-plane", update=world.update)
    assert refused.value.problems == (f"{missing} is missing",)
    world.update(world.project, str)
    assert nodes.roll(world.project, "control-plane", update=world.update) == 3
    assert {name[-2:] for name in world.nodes() if "-control-plane-" in name} == {"g2"}


def test_a_node_that_never_joins_is_said(world: World) -> None:
    with world.api as api, pytest.raises(FoundationError, match="isn't ready after") as failed:
        drain.wait_until_ready(api, f"{world.cluster}-nobody", patience=0.5)
    assert failed.value.problems == ("it hasn't joined the cluster",)


def test_what_there_is_not_is_bad_input(world: World) -> None:
    with pytest.raises(BadInput, match="no pool 'web'") as bad:
        nodes.roll(world.project, "web", update=world.update)
    assert "control-plane" in str(bad.value.next_step)
    with pytest.raises(BadInput, match="describe no server"):
        nodes.unprotect(world.project, "web-01")


def test_the_first_step_of_a_removal_is_written_into_the_settings(world: World) -> None:
    nodes.unprotect(world.project, f"{world.cluster}-database-02-g1")
    nodes.unprotect(world.project, f"{world.cluster}-database-01-g1")
    database = world.settings.pools["database"]
    assert database.unprotected == (1, 2)
    assert not any(database.protected(slot) for slot in database.slots)


def test_a_cluster_that_does_not_answer_is_told_from_one_that_does(world: World) -> None:
    stack = open_stack(world.project)
    environment = world.project.load()
    with reached(world.project, environment, stack) as api:
        assert client.CoreV1Api(api).list_node().items
    kubernetes = environment.settings.kubernetes.model_copy(update={"kubeconfig": "nowhere"})
    settings = environment.settings.model_copy(update={"kubernetes": kubernetes})
    elsewhere = type(environment)(environment.name, settings, environment.products, environment.tenants)
    with pytest.raises(Unreachable), reached(world.project, elsewhere, stack):
        pass
