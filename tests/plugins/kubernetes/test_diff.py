"""What is changed in place, what is made anew and in which order, and whose changes count."""

from __future__ import annotations

import json
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from tests.plugins.kubernetes.world import Options, Program, World, workload

SKIP = {"pulumi.com/skipAwait": "true"}


def both(world: World, changed: bool, **settings: Any) -> Program:
    """Objects that have to be made anew when ``changed``, and some that haven't."""

    def pick(new: Any, old: Any) -> Any:
        return new if changed else old

    def body(opts: Options) -> None:
        core, apps = k8s.core.v1, k8s.apps.v1
        labels = {"app": pick("new", "old")}
        core.ConfigMap("fixed", metadata=world.meta("fixed"), data={"a": pick("2", "1")}, opts=opts)
        core.ConfigMap("generated", metadata=world.meta(), data={"a": pick("2", "1")}, opts=opts)
        core.ConfigMap("frozen", metadata=world.meta("frozen"), immutable=True, data={"a": pick("2", "1")}, opts=opts)
        core.ConfigMap("renamed", metadata=world.meta(pick("after", "before")), data={"a": "1"}, opts=opts)
        core.Secret("secret", metadata=world.meta("secret"), string_data={"a": pick("22222", "11111")}, opts=opts)
        core.Secret("typed", metadata=world.meta("typed"), type=pick("test/b", "test/a"), opts=opts)
        apps.Deployment(
            "selector", metadata=world.meta("selector"), spec={"replicas": 0, **workload(labels)}, opts=opts
        )
        apps.Deployment(
            "scaled",
            metadata=world.meta("scaled", annotations=pick({"c": "d"}, {"a.b/c": "d"})),
            spec={"replicas": pick(0, 1), **workload({"app": "scaled"})},
            opts=opts,
        )
        apps.StatefulSet(
            "served",
            metadata=world.meta("served"),
            spec={"replicas": 0, "serviceName": pick("new", "old"), **workload({"app": "served"})},
            opts=opts,
        )
        core.Pod(
            "pod",
            metadata=world.meta("pod"),
            spec={"containers": [{"name": "app", "image": pick("registry.test/b", "registry.test/a")}]},
            opts=opts,
        )
        template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": pick("b", "a")}]}}
        k8s.batch.v1.Job("job", metadata=world.meta("job", annotations=SKIP), spec={"template": template}, opts=opts)
        core.Service(
            "address",
            metadata=world.meta("address"),
            spec={"clusterIP": pick(None, "None"), "ports": [{"port": 80}]},
            opts=opts,
        )
        core.PersistentVolumeClaim(
            "claim",
            metadata=world.meta("claim", annotations=SKIP),
            spec={
                "accessModes": [pick("ReadWriteMany", "ReadWriteOnce")],
                "storageClassName": "none",
                "resources": {"requests": {"storage": "1Gi"}},
            },
            opts=opts,
        )
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": pick("new", "old")}
        k8s.rbac.v1.RoleBinding("binding", metadata=world.meta("binding"), role_ref=reference, opts=opts)
        k8s.storage.v1.StorageClass(
            "storage", metadata={"name": world.namespace}, provisioner=pick("test/b", "test/a"), opts=opts
        )
        core.ResourceQuota(
            "quota", metadata=world.meta("quota"), spec={"hard": {"pods": pick("100000m", "100")}}, opts=opts
        )

    return world.inside(body, **settings)


# As pulumi-kubernetes 4.34 decides; the same in its own table and in a run of the published plugin.
IMMUTABLE = {"fixed", "generated", "secret"}
REPLACED = {
    "frozen", "renamed", "typed", "selector", "served", "pod", "job", "address", "claim", "binding", "storage"
}  # fmt: skip
UPDATED = {"scaled"}


def steps(world: World, program: Program) -> dict[str, set[str]]:
    """The resources by what a preview would do with them."""
    found: dict[str, set[str]] = {}

    def record(event: Any) -> None:
        step = getattr(event.resource_pre_event, "metadata", None)
        if step is not None:
            found.setdefault(str(getattr(step.op, "value", step.op)), set()).add(step.urn.rpartition("::")[2])

    world.stack(program).preview(color="never", on_event=record)
    return found


@pytest.mark.parametrize("mutable", [True, False])
def test_what_is_made_anew(world: World, mutable: bool) -> None:
    settings = {"enable_config_map_mutable": mutable, "enable_secret_mutable": mutable}
    world.up(both(world, changed=False, **settings))
    planned = steps(world, both(world, changed=True, **settings))
    assert planned["replace"] == REPLACED | (set() if mutable else IMMUTABLE)
    assert planned["update"] == UPDATED | (IMMUTABLE if mutable else set())
    # Only the old object's going can make room for one of the same name; a generated or new name can come first.
    first_deleted = planned["replace"] - {"renamed", "generated"}
    assert planned["delete-replaced"] >= planned["replace"]
    changes = world.up(both(world, changed=True, **settings))
    assert (changes["replace"], changes["update"]) == (len(planned["replace"]), len(planned["update"]))
    assert set(world.up(both(world, changed=True, **settings))) == {"same"}
    assert world.live("configmap", "before") is None
    assert first_deleted <= set(world.resources())
    world.destroy()


def test_the_order_of_replacement_follows_the_name(world: World) -> None:
    settings = {"enable_config_map_mutable": False}

    def program(value: str) -> Program:
        def body(opts: Options) -> None:
            k8s.core.v1.ConfigMap("fixed", metadata=world.meta("fixed"), data={"a": value}, opts=opts)
            k8s.core.v1.ConfigMap("generated", metadata=world.meta(), data={"a": value}, opts=opts)

        return world.inside(body, **settings)

    world.up(program("1"))
    order: list[tuple[str, str]] = []

    def record(event: Any) -> None:
        step = getattr(event.res_outputs_event, "metadata", None)
        if step is not None:
            order.append((step.urn.rpartition("::")[2], str(getattr(step.op, "value", step.op))))

    world.stack(program("2")).up(color="never", on_event=record)
    assert order.index(("fixed", "delete-replaced")) < order.index(("fixed", "create-replacement"))
    assert order.index(("generated", "create-replacement")) < order.index(("generated", "delete-replaced"))
    world.destroy()


def test_drift_is_found_by_refresh_and_mended(world: World) -> None:
    def body(opts: Options) -> None:
        k8s.core.v1.ConfigMap("config", metadata=world.meta("config", labels={"a": "1"}), data={"a": "1"}, opts=opts)
        k8s.apps.v1.Deployment(
            "deployment", metadata=world.meta("app"), spec={"replicas": 1, **workload({"app": "app"})}, opts=opts
        )

    program = world.inside(body)
    world.up(program)
    world.patch("configmap", "config", {"data": {"a": "changed", "b": "added"}, "metadata": {"labels": {"a": None}}})
    world.patch("configmap", "config", {"data": {"c": "kept"}}, manager="controller")
    world.patch("deployment", "app", {"spec": {"replicas": 3}})

    # Without a refresh the state is believed.
    assert set(world.up(program)) == {"same"}
    assert world.refresh(program)["update"] == 2
    changes, shown = world.preview(program)
    assert changes["update"] == 2
    assert '"changed" => "1"' in shown
    assert world.up(program)["update"] == 2
    config = world.live("configmap", "config")
    # What somebody did with kubectl was the user's own doing and goes; what a controller owns stays.
    assert config["data"] == {"a": "1", "c": "kept"}
    assert config["metadata"]["labels"] == {"a": "1"}
    assert world.live("deployment", "app")["spec"]["replicas"] == 1

    world.kubectl("delete", "configmap", "config")
    assert world.refresh(program)["delete"] == 1
    assert world.up(program)["create"] == 1
    world.destroy()


def test_fields_taken_out_of_the_program_are_taken_out_of_the_object(world: World) -> None:
    def program(labels: dict[str, str], data: dict[str, str]) -> Program:
        def body(opts: Options) -> None:
            k8s.core.v1.ConfigMap("config", metadata=world.meta("config", labels=labels), data=data, opts=opts)

        return world.inside(body)

    world.up(program({"a": "1", "b": "2"}, {"x": "1", "y": "2"}))
    world.up(program({"a": "1"}, {"y": "2"}))
    config = world.live("configmap", "config")
    assert config["metadata"]["labels"] == {"a": "1"}
    assert config["data"] == {"y": "2"}
    world.destroy()


def test_ignored_changes_are_left_to_their_manager(world: World) -> None:
    """As an autoscaler's replicas are: an update of something else neither resets nor claims them."""

    def program(image: str) -> Program:
        def body(opts: Options) -> None:
            k8s.apps.v1.Deployment(
                "deployment",
                metadata=world.meta("app"),
                spec={"replicas": 1, **workload({"app": "app"}, {"name": "app", "image": image})},
                opts=Options.merge(opts, Options(ignore_changes=["spec.replicas"])),
            )

        return world.inside(body)

    world.up(program("registry.test/app:1"))
    world.kubectl("scale", "deployment", "app", "--replicas=3")
    assert world.up(program("registry.test/app:2"))["update"] == 1
    live = world.live("deployment", "app")
    assert live["spec"]["replicas"] == 3
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.test/app:2"
    assert set(world.up(program("registry.test/app:2"))) == {"same"}
    world.destroy()


def test_conflicts_are_refused_unless_forced(world: World) -> None:
    def program(value: str, force: bool = False) -> Program:
        annotations = {"pulumi.com/patchForce": "true"} if force else {"free": "1"}

        def body(opts: Options) -> None:
            meta = world.meta("config", annotations=annotations)
            k8s.core.v1.ConfigMap("config", metadata=meta, data={"a": value}, opts=opts)

        return world.inside(body)

    world.up(program("1"))
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": world.meta("config"), "data": {"a": "theirs"}}
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=somebody", "--filename=-")
    world.kubectl(*apply, stdin=json.dumps(applied))
    refused = world.failure(program("2"))
    assert "server-side apply field conflict detected" in refused
    assert 'conflict with "somebody"' in refused
    assert world.live("configmap", "config")["data"] == {"a": "theirs"}
    assert world.up(program("2", force=True))["update"] == 1
    assert world.live("configmap", "config")["data"] == {"a": "2"}
    world.destroy()


def test_an_object_that_exists_is_adopted_only_when_asked(world: World) -> None:
    def program(**settings: Any) -> Program:
        def body(opts: Options) -> None:
            k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"a": "1"}, opts=opts)

        return world.inside(body, **settings)

    world.kubectl("create", "namespace", world.namespace)
    world.kubectl("create", "configmap", "config", "--from-literal=b=2")
    assert "already exists" in world.failure(program())
    world.up(program(upsert_existing_objects=True))
    assert world.live("configmap", "config")["data"] == {"a": "1", "b": "2"}
    assert set(world.up(program(upsert_existing_objects=True))) == {"same"}
    world.destroy()


def test_import_takes_the_object_as_it_is(world: World) -> None:
    def body(opts: Options) -> None:
        imported = Options.merge(opts, Options(import_=f"{world.namespace}/config"))
        k8s.core.v1.ConfigMap(
            "config", metadata=world.meta("config", labels={"a": "1"}), data={"a": "1"}, opts=imported
        )

    world.up(world.inside(lambda opts: None))
    world.kubectl("create", "configmap", "config", "--from-literal=a=1")
    world.kubectl("label", "configmap", "config", "a=1")
    before = world.live("configmap", "config")["metadata"]["uid"]
    assert world.up(world.inside(body))["import"] == 1
    assert set(world.up(world.inside(body))) == {"same"}
    assert world.live("configmap", "config")["metadata"]["uid"] == before
    world.destroy()
