"""Where the plugin may be used, which cluster it talks to, and what it says when it can't."""

from __future__ import annotations

from typing import Any

import pulumi_kubernetes as k8s
import pytest
import yaml
from pulumi import automation

from local.ports import choose_port
from tests.plugins.kubernetes.world import STACK, Options, Program, World


def config_map(world: World, **settings: Any) -> Program:
    def body(opts: Options) -> None:
        k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"a": "1"}, opts=opts)

    return world.inside(body, **settings)


def kubeconfig(world: World, **cluster: Any) -> str:
    """The cluster's kubeconfig as text, with changed settings of its cluster."""
    document = yaml.safe_load(world.kubeconfig.read_text())
    document["clusters"][0]["cluster"].update(cluster)
    return yaml.safe_dump(document)


@pytest.mark.parametrize("stack", ["prod", "staging", "localhost"])
def test_only_local_stacks(world: World, stack: str) -> None:
    message = world.failure(config_map(world), preview=True, stack=stack)
    assert f"stack '{stack}': this is the stand-in" in message
    assert "pulumi plugin install resource kubernetes 4." in message


def test_unsupported_types_and_settings_are_named(world: World) -> None:
    def controller(opts: Options) -> None:
        k8s.core.v1.ReplicationController("old", metadata=world.meta("old"), opts=opts)

    def foreign(opts: Options) -> None:
        k8s.apiextensions.CustomResource(
            "foreign", api_version="example.org/v1", kind="Thing", metadata=world.meta("thing"), opts=opts
        )

    message = world.failure(world.inside(controller), preview=True)
    assert "'kubernetes:core/v1:ReplicationController' isn't supported" in message
    assert "kubernetes:apps/v1:Deployment" in message
    assert "'kubernetes:example.org/v1:Thing' isn't supported" in world.failure(world.inside(foreign), preview=True)
    refused = world.failure(config_map(world, enable_server_side_apply=False), preview=True)
    assert "only server-side apply" in refused
    assert "YAML rendering isn't supported" in world.failure(config_map(world, render_yaml_to_directory="out"))


def test_a_kubeconfig_by_contents_context_and_namespace(world: World) -> None:
    world.kubectl("create", "namespace", world.namespace)
    document = yaml.safe_load(world.kubeconfig.read_text())
    context = document["contexts"][0]
    document["contexts"] = [{"name": "chosen", "context": context["context"]}]
    document["current-context"] = "nowhere"
    settings = {"kubeconfig": yaml.safe_dump(document), "context": "chosen", "namespace": world.namespace}

    def program() -> None:
        provider = world.provider(**settings, kube_client_settings={"qps": 100, "burst": 200, "timeout": 20})
        k8s.core.v1.ConfigMap("config", metadata={"name": "config"}, opts=Options(provider=provider))

    world.up(program)
    # The provider's namespace is the object's.
    assert world.live("configmap", "config")
    assert world.resources()["config"]["id"] == f"{world.namespace}/config"
    world.destroy(program)

    settings["context"] = "other"
    assert "context 'other' doesn't exist in the kubeconfig" in world.failure(program)


def test_a_cluster_that_does_not_answer(world: World) -> None:
    world.up(config_map(world, cluster_identifier="one"))
    # The same cluster, as far as anybody can tell, but for nobody listening.
    dead = {
        "kubeconfig": kubeconfig(world, server=f"https://127.0.0.1:{choose_port(None)}"),
        "cluster_identifier": "one",
    }

    def more(opts: Options) -> None:
        k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"a": "1"}, opts=opts)
        k8s.core.v1.ConfigMap("another", metadata=world.meta("another"), data={"a": "1"}, opts=opts)

    # A preview does without it.
    changes, _ = world.preview(world.inside(more, **dead))
    assert changes == {"create": 1, "same": 3, "update": 1}
    message = world.failure(world.inside(more, **dead))
    assert "configured Kubernetes cluster is unreachable" in message
    assert "Connection refused" in message
    # What can't be reached may be left alone, or given up.
    assert world.up(config_map(world, **dead, skip_update_unreachable=True)) == {"same": 3, "update": 1}
    world.up(config_map(world, **dead, delete_unreachable=True))
    world.destroy()
    assert not world.resources()
    assert world.live("configmap", "config")


def test_a_cluster_known_only_after_the_update(world: World) -> None:
    """As when the cluster is made by the same program."""

    def program() -> None:
        first = k8s.core.v1.Namespace(
            "namespace", metadata={"name": world.namespace}, opts=Options(provider=world.provider())
        )
        later = first.id.apply(lambda _: str(world.kubeconfig))
        opts = Options(provider=world.provider("later", kubeconfig=later))
        k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"a": "1"}, opts=opts)

    assert world.preview(program)[0] == {"create": 5}
    assert world.up(program) == {"create": 5}
    assert set(world.up(program)) == {"same"}
    world.destroy()


def test_values_known_only_after_the_update(world: World) -> None:
    def program(data: Any) -> Program:
        def body(opts: Options) -> None:
            source = k8s.core.v1.ConfigMap("source", metadata=world.meta("source"), data={"a": "1"}, opts=opts)
            known = data(source)
            k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data=known, opts=opts)

        return world.inside(body)

    # An id is unknown in every preview of a creation.
    unknown = program(lambda source: {"id": source.id, "sure": "1"})
    assert world.preview(unknown)[0] == {"create": 5}
    world.up(unknown)
    assert world.live("configmap", "config")["data"] == {"id": f"{world.namespace}/source", "sure": "1"}
    assert set(world.up(unknown)) == {"same"}
    world.destroy()


def test_another_cluster_makes_everything_anew(world: World) -> None:
    world.up(config_map(world))
    moved = kubeconfig(world, **{"tls-server-name": "127.0.0.1"})
    assert world.preview(config_map(world, kubeconfig=moved))[0]["replace"] == 3
    # Unless the user says what the cluster is.
    world.up(config_map(world, cluster_identifier="one"))
    assert world.preview(config_map(world, kubeconfig=moved, cluster_identifier="one"))[0] == {"same": 3, "update": 1}
    assert world.preview(config_map(world, kubeconfig=moved, cluster_identifier="two"))[0]["replace"] == 3
    world.destroy()


def test_names_follow_the_stack_s_autonaming(world: World) -> None:
    def body(opts: Options) -> None:
        k8s.core.v1.ConfigMap("config", metadata=world.meta(), data={"a": "1"}, opts=opts)

    stack = world.stack(world.inside(body))
    stack.set_config("pulumi:autonaming.mode", automation.ConfigValue("disabled"), path=True)
    assert "resource requires the .metadata.name field to be set" in world.failure(world.inside(body))
    stack.remove_config("pulumi:autonaming.mode", path=True)
    stack.set_config("pulumi:autonaming.pattern", automation.ConfigValue("cm-${name}-${stack}"), path=True)
    world.up(world.inside(body))
    assert world.resources()["config"]["id"] == f"{world.namespace}/cm-config-{STACK}"
    world.destroy()


def test_generated_names_are_refused(world: World) -> None:
    def body(opts: Options) -> None:
        k8s.core.v1.ConfigMap("config", metadata=world.meta(generate_name="config-"), opts=opts)

    assert "metadata.generateName isn't supported" in world.failure(world.inside(body), preview=True)
