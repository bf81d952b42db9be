"""The NetworkPolicies as they stand in the cluster, simulated for every pair of tenants."""

from __future__ import annotations

import json
import subprocess
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from local.toolchain.golang import build_go
from models import names
from tests.isolation.world import World

# One environment for all of them, so one worker.
pytestmark = pytest.mark.xdist_group("isolation")

SLUGS = ("alice", "bob", "charlie")
PORTS = (18789, 18810, 443, 5432, 53, 80)
POOLER = ("foundation", {"app": "pgbouncer"})
TRAEFIK = ("foundation", {"app": "traefik"})
PROMETHEUS = ("foundation", {"app.kubernetes.io/name": "prometheus"})
DNS = ("kube-system", {"k8s-app": "kube-dns"})


@pytest.fixture(scope="session")
def simulator() -> Path:
    """cyclonus' matcher, built from its Go module."""
    return build_go(Path(__file__).with_name("netpol"), ".", "netpol", "-s -w", first_time="a minute")


def inside(namespace: str, labels: dict[str, str], address: str = "10.244.0.10") -> dict[str, Any]:
    internal = {
        "Namespace": namespace,
        "NamespaceLabels": {"kubernetes.io/metadata.name": namespace},
        "PodLabels": labels,
    }
    return {"IP": address, "Internal": internal}


def outside(address: str) -> dict[str, Any]:
    return {"IP": address}


def flow(source: dict[str, Any], destination: dict[str, Any], port: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"Source": source, "Destination": destination, "ResolvedPort": port, "Protocol": protocol}


@pytest.fixture(scope="session")
def allowed(world: World, simulator: Path) -> Any:
    """Answers whether a flow is allowed, by what the API server holds."""
    policies = world.network_policies()

    def ask(*flows: dict[str, Any]) -> list[bool]:
        question = json.dumps({"policies": policies, "traffic": flows})
        done = subprocess.run([simulator], input=question, capture_output=True, text=True, check=True)
        return [answer["ingress"] and answer["egress"] for answer in json.loads(done.stdout)]

    return ask


def pods(world: World, slug: str) -> list[dict[str, Any]]:
    """Each kind of pod that runs in the tenant's namespace, and one that the tenant could make up."""
    namespace = names.namespace(slug)
    found = [inside(namespace, labels) for labels in world.pod_labels(namespace)]
    assert found
    return [*found, inside(namespace, {"app": "traefik", "tenant": slug}), inside(namespace, {})]


def test_no_flow_between_tenants(world: World, allowed: Any) -> None:
    flows = [
        flow(source, destination, port, protocol)
        for one, other in permutations(SLUGS, 2)
        for source in pods(world, one)
        for destination in pods(world, other)
        for port in PORTS
        for protocol in ("TCP", "UDP")
    ]
    answers = allowed(*flows)
    assert len(answers) >= 6 * 9 * len(PORTS) * 2
    assert [asked for asked, answer in zip(flows, answers, strict=True) if answer] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_every_flow_that_is_asked_for(world: World, allowed: Any, slug: str) -> None:
    pod = pods(world, slug)[0]
    asked = {
        "Traefik to the API (FC-171)": flow(inside(*TRAEFIK), pod, 18789),
        "Traefik to the dashboard (FC-295)": flow(inside(*TRAEFIK), pod, 18810),
        "Prometheus to the metrics (FC-309)": flow(inside(*PROMETHEUS), pod, 18789),
        "to the pooler (FC-172)": flow(pod, inside(*POOLER), 5432),
        "to DNS (FC-173)": flow(pod, inside(*DNS), 53, "UDP"),
        "to DNS over TCP": flow(pod, inside(*DNS), 53, "TCP"),
        "to a public API (FC-174)": flow(pod, outside("160.79.104.10"), 443),
    }
    answers = allowed(*asked.values())
    assert [name for name, answer in zip(asked, answers, strict=True) if not answer] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_else(world: World, allowed: Any, slug: str) -> None:
    pod = pods(world, slug)[0]
    namespace = names.namespace(slug)
    asked = {
        "from a stranger's namespace labelled like Traefik": flow(inside("elsewhere", TRAEFIK[1]), pod, 18789),
        "from another pod of the platform": flow(inside("foundation", {"app": "other"}), pod, 18789),
        "from the internet": flow(outside("203.0.113.7"), pod, 18789),
        "Prometheus to the dashboard": flow(inside(*PROMETHEUS), pod, 18810),
        "to PostgreSQL past the pooler": flow(pod, inside("foundation", {"app": "patroni"}), 5432),
        "to the pooler on another port": flow(pod, inside(*POOLER), 6432),
        "to the internet in clear": flow(pod, outside("160.79.104.10"), 80),
        "to the cluster's own API": flow(pod, outside("10.96.0.1"), 443),
        "to the metadata service": flow(pod, outside("169.254.169.254"), 443),
        "to a private network (10/8)": flow(pod, outside("10.0.0.2"), 443),
        "to a private network (172.16/12)": flow(pod, outside("172.16.3.4"), 443),
        "to a private network (192.168/16)": flow(pod, outside("192.168.1.1"), 443),
        "from a namesake outside the namespace": flow(inside("default", {"app": "seldon", "tenant": slug}), pod, 18789),
        "to another pod of the namespace": flow(pod, inside(namespace, {}), 18789),
    }
    answers = allowed(*asked.values())
    assert [name for name, answer in zip(asked, answers, strict=True) if answer] == []
