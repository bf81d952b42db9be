"""The cluster run by the official programs, where this machine has them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from kubernetes import client, config

from local.kubernetes import official
from local.sandbox import Sandbox
from tests.sandbox.conftest import eventually, processes_of

pytestmark = [
    pytest.mark.skipif(official.installed() is None, reason="the official programs are not on this machine"),
    pytest.mark.xdist_group("sandbox"),
]


def test_life_on_the_official_programs(fresh: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOUNDATION_KUBERNETES", "official")
    fresh.start()
    assert _names(fresh) == {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}
    _deployment_becomes_available(fresh, "first")

    # A cluster with a part missing is of no use, and not taken for one that runs.
    for victim in ("kube-scheduler", "etcd"):
        [process] = [process for process in processes_of(fresh.directory) if process.name()[:14] == victim[:14]]
        os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs([process])
        assert fresh.status()[1].state == "starting"
        assert [part.state for part in fresh.start()] == ["running", "running"]
    _deployment_becomes_available(fresh, "second")

    # The data is the same for the program that is built here, and nothing of the others is left.
    monkeypatch.setenv("FOUNDATION_KUBERNETES", "built")
    fresh.stop()
    assert processes_of(fresh.directory) == []
    assert [part.state for part in fresh.start()] == ["running", "running"]
    assert _names(fresh) == {"foundation-kubernetes"}
    names = [item.metadata.name for item in _apps(fresh).list_namespaced_deployment("default").items]
    assert names == ["first", "second"]


def _names(sandbox: Sandbox) -> set[str]:
    programs = {Path(process.cmdline()[0]).name for process in processes_of(sandbox.directory)}
    return {name for name in programs if "postgres" not in name}


def _apps(sandbox: Sandbox) -> client.AppsV1Api:
    return client.AppsV1Api(config.new_client_from_config(config_file=str(sandbox.directory.kubeconfig)))


def _deployment_becomes_available(sandbox: Sandbox, name: str) -> None:
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": "registry.test/main:1"}], "nodeSelector": {"pool": "infra"}}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    apps = _apps(sandbox)
    apps.create_namespaced_deployment("default", {"metadata": {"name": name}, "spec": spec})

    def available() -> None:
        assert apps.read_namespaced_deployment(name, "default").status.available_replicas == 1

    eventually(available)
