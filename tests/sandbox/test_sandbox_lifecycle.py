"""Start, stop and destroy, in any order and beside each other."""

from __future__ import annotations

import json
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
import yaml
from kubernetes import client, config

from local.directory import FoundationDirectory
from local.kubernetes.api import ClusterError
from local.kubernetes.nodes import Node, enterprise_node
from local.sandbox import ContextConflict, Sandbox
from tests.sandbox.conftest import connect, processes_of

# On one worker of a parallel run: each sandbox takes 0.35 GB of memory.
pytestmark = pytest.mark.xdist_group("sandbox")


def _core(sandbox: Sandbox) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(config_file=str(sandbox.directory.kubeconfig)))


def test_second_start_leaves_the_servers_alone(own: Sandbox) -> None:
    before = own.status()
    assert [part.state for part in before] == ["running", "running"]
    assert own.start() == before


def test_progress_is_told(own: Sandbox) -> None:
    told: list[str] = []
    own.start(progress=told.append)
    assert told == ["starting PostgreSQL and Kubernetes"]


def test_data_ports_and_credentials_outlive_stop_and_start(own: Sandbox) -> None:
    with connect(own.directory) as database:
        database.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        database.execute("INSERT INTO kept VALUES (42)")
    _core(own).create_namespaced_config_map("default", {"metadata": {"name": "kept"}, "data": {"value": "42"}})
    before = own.status()
    kubeconfig, services = own.directory.kubeconfig.read_text(), own.directory.pg_service_file.read_text()

    own.stop()
    assert [(part.state, part.pid) for part in own.status()] == [("stopped", None)] * 2
    assert processes_of(own.directory) == []
    own.stop()
    after = own.start()

    assert [part.endpoint for part in after] == [part.endpoint for part in before]
    assert own.directory.kubeconfig.read_text() == kubeconfig
    assert own.directory.pg_service_file.read_text() == services
    with connect(own.directory) as database:
        assert database.execute("SELECT value FROM kept").fetchall() == [(42,)]
    assert _core(own).read_namespaced_config_map("kept", "default").data == {"value": "42"}
    _core(own).delete_namespaced_config_map("kept", "default")


def test_taken_ports_are_left_to_their_owner(own: Sandbox) -> None:
    old = json.loads(own.directory.sandbox_file.read_text())["ports"]
    own.stop()
    with ExitStack() as others:
        for port in old.values():
            other = others.enter_context(socket.socket())
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            other.listen()
        parts = own.start()
    new = json.loads(own.directory.sandbox_file.read_text())["ports"]
    assert set(new.values()).isdisjoint(old.values())
    assert [part.state for part in parts] == ["running", "running"]
    assert parts[1].endpoint in own.directory.kubeconfig.read_text()
    assert _core(own).list_namespace().items
    connect(own.directory).close()


def test_two_sandboxes_know_nothing_of_each_other(own: Sandbox, fresh: Sandbox, tmp_path: Path) -> None:
    fresh.start()
    assert {part.endpoint for part in own.status()}.isdisjoint(part.endpoint for part in fresh.status())
    _core(fresh).create_namespaced_config_map("default", {"metadata": {"name": "only-here"}})
    mine = [item.metadata.name for item in _core(own).list_namespaced_config_map("default").items]
    assert "only-here" not in mine

    # Neither lets the other's credentials in.
    theirs, mine = (yaml.safe_load(box.directory.kubeconfig.read_text()) for box in (fresh, own))
    mixed = tmp_path / "mixed"
    mixed.write_text(yaml.safe_dump(theirs | {"users": mine["users"]}))
    with pytest.raises(client.ApiException) as refused:
        client.CoreV1Api(config.new_client_from_config(config_file=str(mixed))).list_namespace()
    assert refused.value.status == 401
    port = json.loads(fresh.directory.sandbox_file.read_text())["ports"]["postgres"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(own.directory, port=port)

    fresh.stop()
    assert [part.state for part in own.status()] == ["running", "running"]


def test_starts_at_once_make_one_sandbox(own: Sandbox) -> None:
    own.stop()
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(Sandbox(own.directory).start) for _ in range(2)]
    assert both[0].result() == both[1].result() == own.status()


def test_destroy_leaves_nothing(fresh: Sandbox) -> None:
    fresh.start()
    running = processes_of(fresh.directory)
    assert len(running) >= 2
    ports = json.loads(fresh.directory.sandbox_file.read_text())["ports"].values()
    place = fresh.postgres.place.folder

    fresh.destroy()

    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in running)
    assert processes_of(fresh.directory) == []
    assert list(fresh.directory.root.iterdir()) == []
    assert not place.exists()
    listening = {c.laddr.port for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert listening.isdisjoint(ports)
    fresh.destroy()
    assert [part.state for part in fresh.status()] == ["stopped", "stopped"]


def test_only_the_owner_may_read_the_files(own: Sandbox) -> None:
    root = own.directory.root
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    secret = [own.directory.kubeconfig, own.directory.pg_service_file, own.postgres.password_file]
    secret += [file for file in (root / "sandbox" / "kubernetes").iterdir() if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}


def test_servers_listen_on_loopback_only(own: Sandbox) -> None:
    for part in own.status():
        assert part.pid is not None
        connections = psutil.Process(part.pid).net_connections("inet")
        listening = [c.laddr for c in connections if c.status == psutil.CONN_LISTEN]
        assert [(address.ip, address.port) for address in listening] == [
            ("127.0.0.1", int(part.endpoint.rpartition(":")[2]))
        ]


def test_node_of_a_further_tenant_is_added(own: Sandbox) -> None:
    own.add_node(enterprise_node("acme"))
    own.add_node(enterprise_node("acme"))
    node = _core(own).read_node("acme-1")
    assert node.metadata.labels["tenant"] == "acme"
    assert [(taint.key, taint.value, taint.effect) for taint in node.spec.taints] == [("tenant", "acme", "NoSchedule")]
    # A later start keeps what it didn't bring.
    own.stop()
    own.start()
    assert _core(own).read_node("acme-1").metadata.uid == node.metadata.uid


def test_nodes_follow_their_definition(own: Sandbox) -> None:
    own.add_node(Node("grown-1", 2, 4, {"pool": "small", "old": "yes"}, {"tier": "small"}))
    before = _core(own).read_node("grown-1")
    own.add_node(Node("grown-1", 4, 8, {"pool": "large"}, {"tier": "large"}))
    after = _core(own).read_node("grown-1")
    assert after.metadata.uid == before.metadata.uid
    assert (after.metadata.labels["pool"], after.metadata.labels.get("old")) == ("large", None)
    assert [(taint.key, taint.value) for taint in after.spec.taints] == [("tier", "large")]
    for resources in (after.status.capacity, after.status.allocatable):
        assert (resources["cpu"], resources["memory"]) == ("4", "8Gi")
    # What the node says of itself is still there.
    assert {condition.type for condition in after.status.conditions} >= {"Ready"}


def test_context_of_the_user_is_used_instead(own: Sandbox, fresh: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(own.directory.kubeconfig))
    chosen = Sandbox(fresh.directory, context="sandbox")
    postgres, kubernetes = chosen.start()

    assert postgres.state == kubernetes.state == "running"
    assert (kubernetes.endpoint, kubernetes.pid) == ("context sandbox", None)
    assert _core(chosen).read_namespace("kube-system").metadata.uid == (
        _core(own).read_namespace("kube-system").metadata.uid
    )
    with pytest.raises(ClusterError, match="has its own nodes"):
        chosen.add_node(enterprise_node("acme"))
    # The choice is remembered, and another one needs a new sandbox.
    assert Sandbox(fresh.directory).status()[1].endpoint == "context sandbox"
    with pytest.raises(ContextConflict, match="'other'"):
        Sandbox(fresh.directory, context="other")

    chosen.destroy()
    assert own.status()[1].state == "running"


def test_unknown_context_is_refused_with_those_there_are(
    own: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(own.directory.kubeconfig))
    chosen = Sandbox(FoundationDirectory(tmp_path / "other").create(), context="no-such")
    try:
        with pytest.raises(ClusterError, match="no context 'no-such'; it has: sandbox"):
            chosen.start()
    finally:
        chosen.destroy()
