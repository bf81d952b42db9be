"""Servers become nodes of the sandbox's cluster, as their cloud-init says."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hcloud import Client
from hypothesis import given
from hypothesis import strategies as st
from kubernetes import client, config

from local.directory import FoundationDirectory
from local.hetzner.boot.k3s import NodeConfig, node_config
from local.sandbox import Sandbox
from tests.hetzner_emulator.conftest import Emulator
from tests.hetzner_emulator.test_survival import kill
from tests.sandbox.conftest import eventually

K3S = "/etc/rancher/k3s/config.yaml"


def cloud_init(*files: dict[str, str], **settings: Any) -> str:
    return "#cloud-config\n" + yaml.safe_dump({**settings, "write_files": list(files)})


def k3s(**settings: Any) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    return {"path": K3S, "content": yaml.safe_dump(named)}


def test_labels_and_taints() -> None:
    user_data = cloud_init(
        k3s(node_label=["pool=shared", "a=b=c"], node_taint=["tenant=acme:NoSchedule", "x:NoExecute"])
    )
    assert node_config(user_data, "web-1") == NodeConfig(
        "web-1", {"pool": "shared", "a": "b=c"}, [("tenant", "acme", "NoSchedule"), ("x", "", "NoExecute")]
    )


@pytest.mark.parametrize("user_data", [None, "", "#!/bin/sh\n", "#cloud-config\n", cloud_init(packages=["curl"])])
def test_other_servers_are_no_nodes(user_data: str | None) -> None:
    assert node_config(user_data, "web-1") is None


def test_fragments_replace_or_add() -> None:
    first = {"path": f"{K3S}.d/10-pool.yaml", "content": "node-label: [pool=infra]\nnode-name: other\n"}
    second = {"path": f"{K3S}.d/20-more.yaml", "content": "node-label+: [zone=a]\n"}
    found = node_config(cloud_init(second, first, k3s(node_label=["pool=shared"])), "web-1")
    assert found == NodeConfig("other", {"pool": "infra", "zone": "a"}, [])


@given(st.sampled_from(["b64", "base64", "gz+b64", "gzip+base64"]))
def test_encoded_files(encoding: str) -> None:
    plain = k3s(node_label="pool=shared")["content"].encode()
    packed = gzip.compress(plain) if "gz" in encoding else plain
    file = {"path": K3S, "content": base64.b64encode(packed).decode(), "encoding": encoding}
    assert node_config(cloud_init(file), "web-1") == NodeConfig("web-1", {"pool": "shared"}, [])


def test_the_host_name_of_cloud_init_counts() -> None:
    found = node_config(cloud_init(k3s(), hostname="node-7"), "web-1")
    assert found is not None
    assert found.name == "node-7"


def test_a_node_joins_and_leaves(sandbox: Sandbox, emulators: Callable[..., Emulator], tmp_path: Path) -> None:
    kubeconfig = sandbox.directory.kubeconfig
    emulator = emulators(tmp_path, kubeconfig=kubeconfig)
    project = emulator.project()
    name = f"node-of-{tmp_path.name.replace('_', '-')}"[:60].strip("-")
    user_data = cloud_init(k3s(node_label=["pool=enterprise"], node_taint=["tenant=acme:NoSchedule"]))
    server = project.server(name, user_data=user_data)
    bystander = project.server("bystander", user_data="#cloud-config\n")
    with config.new_client_from_config(config_file=str(kubeconfig)) as api:
        core = client.CoreV1Api(api)

        def nodes() -> dict[str, Any]:
            return {node.metadata.name: node for node in core.list_node().items}

        def joined() -> Any:
            assert name in nodes()
            return nodes()[name]

        def left() -> None:
            assert name not in nodes()

        node = eventually(joined)
        assert node.spec.provider_id == f"hcloud://{server.id}"
        assert [(taint.key, taint.value, taint.effect) for taint in node.spec.taints if taint.key == "tenant"] == [
            ("tenant", "acme", "NoSchedule")
        ]
        assert node.metadata.labels["pool"] == "enterprise"
        assert node.metadata.labels["topology.kubernetes.io/region"] == "fsn1"
        assert node.status.allocatable["cpu"] == "2"
        assert bystander.name not in nodes()
        # Killed before it could tell anybody: the node leaves when the emulator is back.
        server.delete()
        kill(emulator)
        emulator.server.start(emulator.port)
        eventually(left)


def test_a_part_of_the_sandbox(tmp_path: Path) -> None:
    directory = FoundationDirectory(tmp_path / "own").create()
    whole = Sandbox(directory, parts=["hetzner"])
    try:
        parts = {part.name: part.state for part in whole.start()}
        assert parts == {"postgres": "running", "kubernetes": "running", "hetzner": "running"}
        known = json.loads(directory.hetzner_file.read_text())
        assert Client(token=known["token"], api_endpoint=known["endpoint"]).servers.get_all() == []
        # Whoever looks later knows of it too.
        Sandbox(directory).stop()
        assert {part.name: part.state for part in Sandbox(directory).status()}["hetzner"] == "stopped"
    finally:
        Sandbox(directory).destroy()
    assert list(directory.root.iterdir()) == []
