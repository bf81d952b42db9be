"""Waiting for a cluster: what it sees, what it says, and when it waits again."""

from __future__ import annotations

import base64
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.kubernetes.api import ClusterApi
from local.kubernetes.nodes import Node
from local.kubernetes.setup import add_nodes
from local.ports import choose_port
from provider.kubernetes.api_ready import ApiReady
from provider.kubernetes.probe import established, unready
from provider.pki.x509 import new_authority
from provider.plugin import UNKNOWN, Context, InitFailed, Resource, Secret
from tests.plugins.rpc import Plugin
from tests.provider.recorded import Recorded

TYPE = "foundation:kubernetes:ApiReady"


def changed(kubeconfig: Path, **cluster: str) -> str:
    """The kubeconfig with another server or authority."""
    content = yaml.safe_load(kubeconfig.read_text())
    for key, value in cluster.items():
        content["clusters"][0]["cluster"][key.replace("_", "-")] = value
    return yaml.safe_dump(content)


def other_authority() -> str:

    authority = new_authority("somebody else's", timedelta(days=1), datetime.now(UTC))
    return base64.b64encode(authority.certificate.encode()).decode()


def test_a_ready_cluster_is_waited_for_once(plugin: Plugin, kubeconfig: Path) -> None:
    recorded = Recorded(plugin, TYPE)
    inputs: dict[str, Any] = {"kubeconfig": str(kubeconfig), "nodes": ["one"]}
    assert recorded.up(inputs) == "create"
    assert recorded.made is not None
    assert recorded.made.outputs["kubeconfig"] == Secret(str(kubeconfig))
    assert recorded.up(inputs) == "same"
    assert recorded.up({**inputs, "timeoutSeconds": 5}) == "same"
    # Content instead of a path, as a cluster at Hetzner has it: waits anew.
    assert recorded.up({**inputs, "kubeconfig": Secret(kubeconfig.read_text())}) == "update"
    recorded.destroy()


def test_a_node_that_joins_later_is_waited_for(plugin: Plugin, kubeconfig: Path) -> None:
    api = ClusterApi(kubeconfig)

    def join() -> None:

        add_nodes(api, [Node("late", cpu=1, memory=1)])

    joining = threading.Timer(1.0, join)
    joining.start()
    try:
        made = plugin.make(TYPE, {"kubeconfig": str(kubeconfig), "nodes": ["one", "late"], "timeoutSeconds": 60})
    finally:
        joining.join()
        api.delete("/api/v1/nodes/late")
        api.close()
    assert made.outputs["nodes"] == ["one", "late"]


def failure(plugin: Plugin, kubeconfig: str, *nodes: str) -> str:
    return Recorded(plugin, TYPE).failure({"kubeconfig": kubeconfig, "nodes": list(nodes), "timeoutSeconds": 1})


def test_it_says_which_nodes_are_missing(plugin: Plugin, kubeconfig: Path) -> None:
    text = failure(plugin, str(kubeconfig), "one", "two", "three")
    assert "waited 1 s" in text
    assert "nodes that haven't joined: two, three" in text


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def crd(plural: str) -> dict[str, Any]:
    kind = plural.removesuffix("s").title()
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": plural, "kind": kind},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def test_a_crd_that_comes_later_is_waited_for(plugin: Plugin, kubeconfig: Path) -> None:
    api = ClusterApi(kubeconfig)
    installing = threading.Timer(1.0, lambda: api.apply(f"{CRDS}/gadgets.example.com", crd("gadgets")))
    installing.start()
    recorded = Recorded(plugin, TYPE)
    inputs: dict[str, Any] = {"kubeconfig": str(kubeconfig), "timeoutSeconds": 60}
    try:
        assert recorded.up({**inputs, "crds": ["gadgets.example.com"]}) == "create"
        assert api.get(f"{CRDS}/gadgets.example.com")["kind"] == "CustomResourceDefinition"
        assert recorded.up({**inputs, "crds": ["gadgets.example.com"]}) == "same"
        assert recorded.up(inputs) == "update"
    finally:
        installing.join()
        api.delete(f"{CRDS}/gadgets.example.com")
        api.close()
    recorded.destroy()


def test_it_says_which_crds_are_missing(plugin: Plugin, kubeconfig: Path) -> None:
    inputs = {"kubeconfig": str(kubeconfig), "crds": ["one.example.com", "two.example.com"], "timeoutSeconds": 1}
    text = Recorded(plugin, TYPE).failure(inputs)
    assert "CRDs that aren't there: one.example.com, two.example.com" in text


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([{"type": "Established", "status": "True"}], True),
        ([{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "False"}], False),
        ([], False),
        (None, False),
    ],
)
def test_crds_are_judged_by_their_conditions(conditions: list[dict[str, str]] | None, expected: bool) -> None:
    assert established({"status": {"conditions": conditions}}) is expected


def test_it_says_that_nothing_listens(plugin: Plugin, kubeconfig: Path) -> None:
    text = failure(plugin, changed(kubeconfig, server=f"https://127.0.0.1:{choose_port(None)}"))
    assert "the API's port refuses connections" in text


def test_it_says_that_the_name_is_unknown(plugin: Plugin, kubeconfig: Path) -> None:
    assert "can't be resolved" in failure(plugin, changed(kubeconfig, server="https://api.invalid:6443"))


def test_it_says_that_the_certificate_is_another_clusters(plugin: Plugin, kubeconfig: Path) -> None:
    text = failure(plugin, changed(kubeconfig, certificate_authority_data=other_authority()))
    assert "no trusted connection to the API" in text
    assert "certificate verify failed" in text


def test_it_says_that_it_may_not_look(plugin: Plugin, kubeconfig: Path) -> None:
    content = yaml.safe_load(kubeconfig.read_text())
    content["users"][0]["user"] = {"token": "planted-wrong-token"}
    text = failure(plugin, yaml.safe_dump(content), "one")
    assert "401" in text
    assert "planted" not in text


@pytest.mark.parametrize("kubeconfig", ["/does/not/exist", "a: b\nc: d\n", "- planted\n", "{planted\n"])
def test_what_is_no_kubeconfig_is_refused_at_once_without_showing_it(plugin: Plugin, kubeconfig: str) -> None:
    text = Recorded(plugin, TYPE).failure({"kubeconfig": kubeconfig})
    assert "the kubeconfig" in text
    assert "planted" not in text


def test_previews_wait_for_nothing(plugin: Plugin) -> None:
    shown = plugin.preview(TYPE, {"kubeconfig": Secret("server: nowhere\n"), "nodes": [UNKNOWN]})
    assert shown["timeoutSeconds"] == 900


@pytest.mark.parametrize(
    ("inputs", "wrong"),
    [
        ({}, "kubeconfig"),
        ({"kubeconfig": "x", "timeoutSeconds": 0}, "timeoutSeconds"),
        ({"kubeconfig": "x", "timeoutSeconds": 3601}, "timeoutSeconds"),
    ],
)
def test_wrong_inputs_are_named(plugin: Plugin, inputs: dict[str, Any], wrong: str) -> None:
    assert wrong in plugin.check(TYPE, inputs).failures


def test_cancelling_ends_the_wait(kubeconfig: Path) -> None:
    resource = Resource("urn:pulumi:local::p::t::n", TYPE, "n", "local", "p")
    cancelled = threading.Event()
    # The first thing it says means that it waits.
    context: Context[Any] = Context(resource, None, cancelled, log=lambda _: cancelled.set(), warn=lambda _: None)
    inputs = {"kubeconfig": str(kubeconfig), "nodes": ["never"], "timeoutSeconds": 600}
    with pytest.raises(InitFailed, match="the update was cancelled"):
        ApiReady().create(context, inputs)


def node(name: str, *conditions: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": list(conditions)}}


READY = {"type": "Ready", "status": "True"}
NOT_READY = {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "cni plugin not initialized"}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([node("one", READY)], None),
        ([node("one", READY), node("other", NOT_READY)], None),
        ([], "nodes that haven't joined: one"),
        ([node("one")], "node one isn't Ready: it has reported nothing yet"),
        ([node("one", NOT_READY)], "node one isn't Ready: KubeletNotReady: cni plugin not initialized"),
        (
            [node("one", NOT_READY, {"type": "DiskPressure", "status": "True"})],
            "node one isn't Ready: KubeletNotReady: cni plugin not initialized, DiskPressure",
        ),
    ],
)
def test_nodes_are_judged_by_their_conditions(found: list[dict[str, Any]], text: str | None) -> None:
    assert unready(["one"], found) == text
