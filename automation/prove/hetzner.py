"""Proof ``hetzner``: a cluster in a Hetzner project, made, changed, broken and taken away."""

from __future__ import annotations

import json
import os
import re
import signal
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import psutil
from hcloud import Client
from ruamel.yaml import YAML

from automation.prove.clone import Clone, clean_clone
from automation.prove.emulator import Emulator
from automation.prove.frame import Figure, equal, not_run, proof
from automation.prove.suites import of_groups

SERVERS = 10  # 3 control plane, 3 shared, 2 database, 1 infra, 1 of Enterprise tenant charlie
REFERENCE = "FOUNDATION_REFERENCE_PLUGINS"
# What any change of the pools passes through: the table of addresses.
COMMON = {"foundation:hetzner:AddressPlan"}

# What happens while a pool of two is added, that pool's name, how many runs the update may take, and the fault.
FAULTS: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    (
        "a storm of 40 answers 429",
        "storm",
        3,
        {"kind": "failing_request", "code": "rate_limit_exceeded", "status": 429, "times": 40},
    ),
    ("2 failing orders of servers", "failing", 4, {"kind": "failing_action", "command": "create_server", "times": 2}),
    (
        "connection cut after an order",
        "cut",
        3,
        {"kind": "cut_connection", "when": "after", "method": "POST", "path": "^/servers$", "times": 1},
    ),
)

TEST_GROUPS = {
    "tests/hetzner_emulator": "emulator: the vendor's clients, specification, faults",
    "tests/plugins/hcloud": "stand-in for pulumi-hcloud",
    "tests/components/hetzner": "components: network, pools, cluster, add-ons, limits",
    "tests/provider/pki": "authorities and certificates, verified by openssl",
    "tests/provider/kubernetes_ready": "waiting for the API of a cluster",
    "tests/models": "settings",
    "tests/automation/cost": "cost",
    "tests/automation/hetzner": "orphans, rolls, teardown, mending, stock-outs",
}


@proof("hetzner")
def hetzner() -> Iterator[Figure]:
    """`make up` brings an emulated Hetzner cluster up too, and tenants' pods land on the pools that they pay for. Pools
    are added, removed and rolled without touching others; with types sold out, requests refused, actions failing and
    processes killed, the same command ends in the right state, with no duplicate and no orphan; teardown leaves
    nothing. The genuine hcloud plugin does the same."""
    with clean_clone() as clone:
        yield from _comes_up(clone)
        yield from _middle_pool(clone)
        yield from _roll(clone)
        yield from _faults(clone)
        yield from _tears_down(clone, "stand-in plugins")
    yield from _reference()
    yield from of_groups(TEST_GROUPS)


def _comes_up(clone: Clone) -> Iterator[Figure]:
    clone.run("make", "up")
    servers = _servers(clone)
    yield equal("servers after the first up", "asked by the vendor's client", len(servers), SERVERS)
    nodes = _nodes(clone)
    yield equal("nodes of the cluster", "each server is one", sorted(nodes) == sorted(servers), goal=True)
    yield from _pods(clone, nodes)
    yield equal("second up's changes", "`foundation up`", len(clone.json("up")["changes"]), 0)


def _pods(clone: Clone, nodes: dict[str, dict[str, str]]) -> Iterator[Figure]:
    listed = json.loads(_kubectl(clone, "get", "pods", "-A", "-l", "tenant", "-o", "json"))["items"]
    places = Counter(
        (pod["metadata"]["labels"]["tenant"], nodes[pod["spec"]["nodeName"]]["pool"])
        for pod in listed
        if pod["spec"].get("nodeName")
    )
    told = ", ".join(f"{tenant} on {pool}" for tenant, pool in sorted(places))
    wanted = {("alice", "shared"), ("bob", "shared"), ("charlie", "enterprise")}
    yield Figure("tenants' pods", "by the pool of their node", "each on its plan's", told, set(places) == wanted)


def _middle_pool(clone: Clone) -> Iterator[Figure]:
    before = _addresses(clone)
    _add_pool(clone, "batch")
    changes = _outside(clone.json("up")["changes"], "batch")
    yield equal("a pool more", "resources of others that are touched", changes, 0)
    yield equal("servers with it", "in the project", len(_servers(clone)), SERVERS + 2)
    _settings(clone, lambda hetzner: hetzner.pop("pools"))
    changes = _outside(clone.json("up")["changes"], "batch")
    yield equal("the pool removed again", "resources of others that are touched", changes, 0)
    yield equal("addresses of the others", "before, and after both", _addresses(clone) == before, goal=True)


def _roll(clone: Clone) -> Iterator[Figure]:
    before = {name for name in _servers(clone) if "-shared-" in name}
    clone.foundation("nodes", "roll", "shared")
    after = {name for name in _servers(clone) if "-shared-" in name}
    told = f"{len(after - before)} new, {len(before & after)} old"
    yield Figure("a pool rolled", "`foundation nodes roll shared`", "3 new, 0 old", told, told == "3 new, 0 old")
    yield equal("changes after it", "`foundation up`", len(clone.json("up")["changes"]), 0)
    yield from _no_orphans(clone, "the roll")


def _faults(clone: Clone) -> Iterator[Figure]:
    emulator = Emulator.of(clone)

    running = _servers(clone)
    with emulator.faults({"kind": "sold_out", "server_type": "cpx62", "location": "fsn1", "listed": True}):
        _enterprise_tenant(clone, "acme")
        clone.foundation("up")
        now = _servers(clone)
        (made,) = set(now) - set(running)
        yield equal("type sold out at the order", "server of a new tenant stands in", now[made], "cpx62 in nbg1")
        again = clone.json("up")["changes"]
        yield equal("running servers of that type", "changes of the next up", len(again), 0)
    yield from _no_orphans(clone, "it")

    for what, pool, tries, fault in FAULTS:
        _add_pool(clone, pool)
        with emulator.faults(fault):
            runs = _until_done(clone, tries)
        yield Figure(what, "runs of `foundation up` until it ends well", f"at most {tries}", str(runs), runs <= tries)
        yield from _as_wanted(clone, what)
    yield from _killed(clone)


def _enterprise_tenant(clone: Clone, slug: str) -> None:
    """A file like charlie's: what the contract gives has no default."""
    yaml = YAML()
    folder = clone.folder / "tenants" / "local"
    tenant = yaml.load(folder / "charlie.yaml")
    tenant.update(slug=slug, id=str(uuid.uuid5(uuid.NAMESPACE_DNS, slug)), admin_email=f"it@{slug}.example.com")
    for field in ("domains", "agents"):
        del tenant[field]
    with (folder / f"{slug}.yaml").open("w") as stream:
        yaml.dump(tenant, stream)


def _until_done(clone: Clone, tries: int) -> int:
    for run in range(1, tries + 1):
        running = clone.start("up")
        running.communicate()
        if running.returncode == 0:
            return run
    return tries + 1


def _killed(clone: Clone) -> Iterator[Figure]:
    for victim in ("engine", "hcloud plugin"):
        pool = f"killed-{victim.split()[0]}"
        _add_pool(clone, pool)
        running = clone.start("up")
        assert running.stdout is not None
        for line in running.stdout:
            if pool in line:
                break
        _kill(running.pid, victim)
        running.communicate()
        clone.foundation("up")
        yield from _as_wanted(clone, f"kill -9 of the {victim}")


def _kill(pid: int, victim: str) -> None:
    for process in psutil.Process(pid).children(recursive=True):
        words = " ".join(process.cmdline())
        engine = words.split(" ")[0].endswith("/pulumi")
        if (victim == "engine" and engine) or (victim != "engine" and re.search(r"plugins\.hcloud|-hcloud", words)):
            process.send_signal(signal.SIGKILL)
            return


def _as_wanted(clone: Clone, after: str) -> Iterator[Figure]:
    wanted = {node["name"] for node in clone.json("nodes", "list")["nodes"] if node["in_state"]}
    yield equal(f"servers after {after}", "in the project and in the state alike", wanted == set(_servers(clone)), True)
    yield equal(f"changes after {after}", "of one more `foundation up`", len(clone.json("up")["changes"]), 0)
    yield from _no_orphans(clone, after)


def _no_orphans(clone: Clone, after: str) -> Iterator[Figure]:
    # Its exit code says whether there are any.
    found = json.loads(clone.run("bash", "-c", ".venv/bin/foundation orphans --json || true"))["orphans"]
    yield equal(f"orphans after {after}", "`foundation orphans`", len(found), 0)


def _tears_down(clone: Clone, plugins: str) -> Iterator[Figure]:
    # Another environment in the sandbox keeps it, and the emulator in it: everything goes by the engine then.
    clone.shell("pulumi stack init local-neighbour --non-interactive")
    # Its exit code tells that databases with data stay: they go with their server alone.
    clone.start("down", "--yes").communicate()
    left = Emulator.of(clone).leftovers()
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(left.items())) or "nothing"
    yield equal(f"left in the project after down ({plugins})", "asked by the emulator's control", told, "nothing")


def _reference() -> Iterator[Figure]:
    goal = "up, no changes, a pool more and less, a roll, destroy, nothing left"
    folder = os.environ.get(REFERENCE)
    if not folder:
        yield not_run("genuine hcloud plugin", "", goal, f"none on this machine: set {REFERENCE}")
        return
    with clean_clone() as clone:
        clone.variables = {**clone.variables, REFERENCE: folder}
        clone.run("make", "up")
        yield equal("servers by the genuine plugins", "in the project", len(_servers(clone)), SERVERS)
        yield equal("second up's changes (genuine)", "`foundation up`", len(clone.json("up")["changes"]), 0)
        yield from _middle_pool(clone)
        yield from _roll(clone)
        yield from _tears_down(clone, "genuine plugins")


def _outside(changes: list[dict[str, Any]], pool: str) -> int:
    return sum(f"-{pool}-" not in f"{change['name']}-" and change["type"] not in COMMON for change in changes)


def _settings(clone: Clone, change: Callable[[Any], object]) -> None:
    """Change what the settings say of the cluster."""
    yaml = YAML()
    file = clone.folder / "Pulumi.local.yaml"
    document = yaml.load(file)
    environment = document["config"]["foundation:environment"]
    change(environment["hetzner"])
    with file.open("w") as stream:
        yaml.dump(document, stream)


def _add_pool(clone: Clone, pool: str) -> None:
    _settings(clone, lambda hetzner: hetzner.setdefault("pools", {}).update({pool: {"count": 2}}))


def _client(clone: Clone) -> Client:
    known = json.loads((clone.foundation_directory / "hetzner.json").read_text())
    return Client(token=known["token"], api_endpoint=known["endpoint"])


def _servers(clone: Clone) -> dict[str, str]:
    """Type and location of every server in the project, by name."""
    found: Any = _client(clone).servers.get_all()
    return {server.name: f"{server.server_type.name} in {server.location.name}" for server in found}


def _addresses(clone: Clone) -> dict[str, str]:
    """In the private network, by server."""
    found: Any = _client(clone).servers.get_all()
    return {server.name: server.private_net[0].ip for server in found}


def _nodes(clone: Clone) -> dict[str, dict[str, str]]:
    """Labels of each node."""
    items = json.loads(_kubectl(clone, "get", "nodes", "-o", "json"))["items"]
    return {item["metadata"]["name"]: item["metadata"]["labels"] for item in items}


def _kubectl(clone: Clone, *arguments: str) -> str:
    kubeconfig = str(clone.foundation_directory / "kubeconfig")
    return clone.run(".venv/bin/kubectl", "--kubeconfig", kubeconfig, *arguments)
