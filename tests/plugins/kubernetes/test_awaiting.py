"""What the engine waits for, what it says when waiting was in vain, and how waiting ends early."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pulumi
import pulumi_kubernetes as k8s

from tests.plugins.kubernetes.world import Options, Program, World, container, eventually, workload

NOWHERE = {"nodeSelector": {"test/none": "none"}}
SOON = Options(custom_timeouts=pulumi.CustomTimeouts(create="4s", update="4s", delete="4s"))


def deployment(world: World, **spec: object) -> Program:
    def body(opts: Options) -> None:
        k8s.apps.v1.Deployment(
            "app",
            metadata=world.meta("app"),
            spec={"replicas": 1, **workload({"app": "app"}, container(), **spec)},
            opts=Options.merge(opts, SOON),
        )

    return world.inside(body)


def test_a_deployment_that_does_not_come_up_is_recorded_and_mended(world: World) -> None:
    message = world.failure(deployment(world, **NOWHERE))
    assert "'app' timed out waiting to be Ready" in message
    assert "Minimum number of live Pods was not attained" in message
    assert "didn't match Pod's node affinity/selector" in message
    assert world.resources()["app"]["initErrors"]
    # The same program goes on where it was, and fails alike.
    assert "timed out" in world.failure(deployment(world, **NOWHERE))
    assert world.up(deployment(world)) == {"same": 3, "update": 1}
    assert "initErrors" not in world.resources()["app"]
    # And a rollout that gets stuck is an update that failed.
    stuck = world.failure(deployment(world, **NOWHERE))
    assert "minimum number of Pods" in stuck or "Minimum number of Pods" in stuck
    assert world.up(deployment(world)) == {"same": 3, "update": 1}
    world.destroy()


def test_refresh_says_what_is_not_ready(world: World) -> None:
    world.up(deployment(world))
    world.patch("deployment", "app", {"spec": {"template": {"spec": NOWHERE}}})
    world.refresh(deployment(world))
    assert world.resources()["app"]["initErrors"]
    world.patch("deployment", "app", {"spec": {"template": {"spec": {"nodeSelector": None}}}})
    eventually(lambda: world.live("deployment", "app")["status"].get("unavailableReplicas", 0) == 0)
    world.refresh(deployment(world))
    assert "initErrors" not in world.resources()["app"]
    world.destroy()


def test_other_kinds_that_do_not_become_ready(world: World) -> None:
    """Each says why; none is waited for without end."""
    blocked = {"template": {"spec": {"restartPolicy": "Never", "containers": [container()], **NOWHERE}}}

    def body(opts: Options) -> None:
        opts = Options.merge(opts, SOON)
        k8s.batch.v1.Job("job", metadata=world.meta("job"), spec={"activeDeadlineSeconds": 1, **blocked}, opts=opts)
        k8s.core.v1.Pod("pod", metadata=world.meta("pod"), spec={"containers": [container()], **NOWHERE}, opts=opts)
        stateful = {"serviceName": "none", "replicas": 1, **workload({"app": "set"}, container(), **NOWHERE)}
        k8s.apps.v1.StatefulSet("set", metadata=world.meta("set"), spec=stateful, opts=opts)
        balanced = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        k8s.core.v1.Service("service", metadata=world.meta("service"), spec=balanced, opts=opts)
        k8s.networking.v1.Ingress(
            "ingress",
            metadata=world.meta("ingress"),
            spec={"defaultBackend": {"service": {"name": "service", "port": {"number": 80}}}},
            opts=opts,
        )

    message = world.failure(world.inside(body))
    for reason in (
        "[DeadlineExceeded] Job was active longer than specified deadline",
        "0 out of 1 replicas succeeded readiness checks",
        "Service was not allocated an IP address",
        "Ingress .status.loadBalancer field was not updated",
    ):
        assert reason in message
    recorded = world.resources()
    assert all(recorded[name]["initErrors"] for name in ("job", "pod", "set", "service", "ingress"))
    world.destroy()


def test_services_and_claims_wait_for_what_they_need(world: World) -> None:
    def body(opts: Options) -> None:
        labels = {"app": "app"}
        k8s.apps.v1.Deployment(
            "deployment", metadata=world.meta("app"), spec={"replicas": 1, **workload(labels)}, opts=opts
        )
        k8s.core.v1.Service(
            "service", metadata=world.meta("app"), spec={"selector": labels, "ports": [{"port": 80}]}, opts=opts
        )
        claim = k8s.core.v1.PersistentVolumeClaim(
            "claim",
            metadata=world.meta("claim"),
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            opts=opts,
        )
        pulumi.export("volume", claim.spec.volume_name)
        quota = k8s.core.v1.ResourceQuota(
            "quota", metadata=world.meta("quota"), spec={"hard": {"pods": "5"}}, opts=opts
        )
        pulumi.export("counted", quota.status.hard)

    program = world.inside(body)
    world.up(program)
    outputs = world.outputs()
    assert outputs["volume"] == world.live("persistentvolumeclaim", "claim")["spec"]["volumeName"]
    assert outputs["counted"] == {"pods": "5"}
    world.destroy()


def wait_for(world: World, expression: str, **annotations: str) -> Program:
    def body(opts: Options) -> None:
        meta = world.meta("config", annotations={"pulumi.com/waitFor": expression, **annotations})
        k8s.core.v1.ConfigMap("config", metadata=meta, data={"a": "1"}, opts=opts)

    return world.inside(body)


def test_wait_for_a_condition_of_ones_own(world: World) -> None:
    program = wait_for(world, '["jsonpath={.data.state}=ready", "jsonpath={.data.a}"]')
    with ThreadPoolExecutor() as pool:
        running = pool.submit(world.up, program)
        eventually(lambda: world.live("configmap", "config"))
        world.patch("configmap", "config", {"data": {"state": "not yet"}})
        world.patch("configmap", "config", {"data": {"state": "ready"}})
        assert running.result()["create"] == 4
    assert world.resources()["config"]["outputs"]["data"] == {"a": "1", "state": "ready"}
    world.destroy()


def test_wait_for_in_vain_and_in_error(world: World) -> None:
    message = world.failure(wait_for(world, "condition=Ready", **{"pulumi.com/timeoutSeconds": "1"}))
    assert "condition=Ready was not met" in message
    assert 'must begin with "jsonpath=" or "condition="' in world.failure(wait_for(world, "ready"))
    world.destroy()


def test_skipping_the_wait(world: World) -> None:
    def body(opts: Options) -> None:
        meta = world.meta("app", annotations={"pulumi.com/skipAwait": "true"})
        spec = {"replicas": 1, **workload({"app": "app"}, container(), **NOWHERE)}
        k8s.apps.v1.Deployment("app", metadata=meta, spec=spec, opts=opts)

    assert world.up(world.inside(body))["create"] == 4
    world.refresh(world.inside(body))
    assert "initErrors" not in world.resources()["app"]
    world.destroy()


def test_what_an_object_needs_may_come_later(world: World) -> None:
    """Two resources without an order between them: the object is tried until its namespace is there."""

    def program() -> None:
        opts = Options(provider=world.provider())
        config = k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"a": "1"}, opts=opts)
        pulumi.export("uid", config.metadata.uid)

    with ThreadPoolExecutor() as pool:
        shown: list[str] = []
        running = pool.submit(world.up, program, on_output=shown.append)
        eventually(lambda: "Retry #" in "".join(shown))
        world.kubectl("create", "namespace", world.namespace)
        assert running.result()["create"] == 3
    world.destroy()
