"""Every supported kind is created, left alone, changed, refreshed and deleted as the user expects."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from tests.plugins.kubernetes.world import Options, Program, World, container, workload

HOUR = "0 * * * *"
ONCE = {"template": {"spec": {"restartPolicy": "Never", "containers": [container()]}}}


def everything(world: World, version: int = 1) -> Program:
    """A program with an object of every built-in kind and of custom ones. ``version`` changes some of them."""
    space = world.namespace
    label = {"app.kubernetes.io/name": "app"}

    def policies(opts: Options, later: Any) -> None:
        resources = {
            "apiGroups": ["apps"],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["deployments"],
        }
        policy = k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
            "vap",
            metadata={"name": space},
            spec={
                "matchConstraints": {"resourceRules": [resources]},
                "validations": [{"expression": "object.spec.replicas < 100"}],
            },
            opts=opts,
        )
        k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            "vapb",
            metadata={"name": space},
            spec={
                "policyName": space,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}}},
            },
            opts=later(policy),
        )
        k8s.core.v1.ResourceQuota(
            "quota",
            metadata=world.meta("quota"),
            spec={"hard": {"pods": f"{version}0", "requests.cpu": "4000m"}},
            opts=opts,
        )
        k8s.core.v1.LimitRange(
            "limits",
            metadata=world.meta("limits"),
            spec={
                "limits": [{"type": "Container", "defaultRequest": {"cpu": "0.01"}, "default": {"memory": "1024Mi"}}]
            },
            opts=opts,
        )
        k8s.networking.v1.NetworkPolicy(
            "deny",
            metadata=world.meta("deny"),
            spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []},
            opts=opts,
        )
        k8s.policy.v1.PodDisruptionBudget(
            "pdb",
            metadata=world.meta("pdb"),
            spec={"minAvailable": version, "selector": {"matchLabels": label}},
            opts=opts,
        )
        k8s.scheduling.v1.PriorityClass("priority", metadata={"name": space}, value=7, global_default=False, opts=opts)

    def access(opts: Options) -> None:
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"][:version]}]
        subjects = [{"kind": "ServiceAccount", "name": "account", "namespace": space}]
        k8s.core.v1.ServiceAccount(
            "account", metadata=world.meta("account"), automount_service_account_token=False, opts=opts
        )
        k8s.rbac.v1.Role("role", metadata=world.meta("role"), rules=rules, opts=opts)
        k8s.rbac.v1.ClusterRole("cluster-role", metadata={"name": space}, rules=rules, opts=opts)
        reference = {"apiGroup": "rbac.authorization.k8s.io", "name": "role", "kind": "Role"}
        k8s.rbac.v1.RoleBinding(
            "binding", metadata=world.meta("binding"), role_ref=reference, subjects=subjects, opts=opts
        )
        cluster_reference = reference | {"name": space, "kind": "ClusterRole"}
        k8s.rbac.v1.ClusterRoleBinding(
            "cluster-binding", metadata={"name": space}, role_ref=cluster_reference, subjects=subjects, opts=opts
        )

    def workloads(opts: Options, later: Any) -> None:
        app = container(
            image=f"registry.test/app:{version}",
            env=[{"name": "EMPTY", "value": ""}],
            ports=[{"containerPort": 80}],
            readinessProbe={"httpGet": {"path": "/", "port": 80}, "initialDelaySeconds": 0},
        )
        volumes = [{"name": "scratch", "emptyDir": {"sizeLimit": "1024Mi"}}]
        k8s.apps.v1.Deployment(
            "deployment",
            metadata=world.meta("app", labels=label),
            spec={"replicas": 2, **workload(label, app, volumes=volumes, hostNetwork=False)},
            opts=opts,
        )
        k8s.apps.v1.StatefulSet(
            "stateful",
            metadata=world.meta("stateful"),
            spec={"serviceName": "headless", "replicas": 1, **workload({"app": "stateful"})},
            opts=opts,
        )
        k8s.apps.v1.DaemonSet("daemon", metadata=world.meta("daemon"), spec=workload({"app": "daemon"}), opts=opts)
        k8s.core.v1.Pod("pod", metadata=world.meta("pod"), spec={"containers": [container()]}, opts=opts)
        k8s.batch.v1.Job("job", metadata=world.meta("job"), spec=ONCE, opts=opts)
        k8s.batch.v1.CronJob(
            "cron", metadata=world.meta("cron"), spec={"schedule": HOUR, "jobTemplate": {"spec": ONCE}}, opts=opts
        )
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            "hpa",
            metadata=world.meta("hpa"),
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"},
                "minReplicas": 1,
                "maxReplicas": 2 + version,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                    }
                ],
            },
            opts=opts,
        )
        storage = k8s.storage.v1.StorageClass(
            "storage",
            metadata={"name": space},
            provisioner="kwok.x-k8s.io/volume",
            volume_binding_mode="WaitForFirstConsumer",
            opts=opts,
        )
        k8s.core.v1.PersistentVolumeClaim(
            "claim",
            metadata=world.meta("claim"),
            spec={
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": space,
                "resources": {"requests": {"storage": "1024Mi"}},
            },
            opts=later(storage),
        )

    def network(opts: Options) -> None:
        service = k8s.core.v1.Service(
            "service", metadata=world.meta("app"), spec={"selector": label, "ports": [{"port": 80}]}, opts=opts
        )
        k8s.core.v1.Service(
            "headless",
            metadata=world.meta("headless"),
            spec={"clusterIP": "None", "selector": {"app": "stateful"}, "ports": [{"port": 80}]},
            opts=opts,
        )
        k8s.networking.v1.IngressClass("class", metadata={"name": space}, spec={"controller": "test/none"}, opts=opts)
        backend = {"service": {"name": "app", "port": {"number": 80}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        k8s.networking.v1.Ingress(
            "ingress",
            # Nothing in a sandbox gives it an address.
            metadata=world.meta("app", annotations={"pulumi.com/skipAwait": "true"}),
            spec={"ingressClassName": space, "rules": [{"host": "app.test", "http": {"paths": paths}}]},
            opts=opts,
        )
        pulumi.export("address", service.spec.cluster_ip)

    def custom(opts: Options, later: Any) -> None:
        route = {"kind": "Rule", "match": f"Host(`v{version}.test`)", "services": [{"name": "app", "port": 80}]}
        k8s.apiextensions.CustomResource(
            "route",
            api_version="traefik.io/v1alpha1",
            kind="IngressRoute",
            metadata=world.meta("app"),
            spec={"entryPoints": ["web"], "routes": [route]},
            opts=opts,
        )
        k8s.apiextensions.CustomResource(
            "monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=world.meta("app"),
            spec={"selector": {"matchLabels": label}, "endpoints": [{"port": "http"}]},
            opts=opts,
        )
        k8s.apiextensions.CustomResource(
            "issuer",
            api_version="cert-manager.io/v1",
            kind="ClusterIssuer",
            metadata={"name": space},
            spec={"selfSigned": {}},
            opts=opts,
        )
        schema = {
            "type": "object",
            "properties": {"spec": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}},
        }
        plural = f"p{space.replace('-', '')}"
        definition = k8s.apiextensions.v1.CustomResourceDefinition(
            "definition",
            metadata={"name": f"{plural}.k3s.cattle.io"},
            spec={
                "group": "k3s.cattle.io",
                "scope": "Namespaced",
                "names": {"kind": plural.title(), "plural": plural},
                "versions": [
                    {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
                ],
            },
            opts=opts,
        )
        k8s.apiextensions.CustomResource(
            "own",
            api_version="k3s.cattle.io/v1",
            kind=plural.title(),
            metadata=world.meta("own"),
            spec={"anything": version},
            opts=later(definition),
        )

    def body(opts: Options) -> None:
        def later(*resources: pulumi.Resource) -> Options:
            return Options.merge(opts, Options(depends_on=list(resources)))

        k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"version": str(version)}, opts=opts)
        k8s.core.v1.Secret("secret", metadata=world.meta("secret"), string_data={"word": f"w{version}"}, opts=opts)
        policies(opts, later)
        access(opts)
        workloads(opts, later)
        network(opts)
        custom(opts, later)

    return world.inside(body)


def test_every_kind_from_creation_to_deletion(world: World) -> None:
    first, second = everything(world), everything(world, version=2)

    changes, _ = world.preview(first)
    assert set(changes) == {"create"}

    assert set(world.up(first)) == {"create"}
    assert world.live("deployment", "app")["status"]["readyReplicas"] == 2
    assert set(world.up(first)) == {"same"}
    assert set(world.refresh(first)) == {"same"}
    assert set(world.preview(first)[0]) == {"same"}

    changed = {"config", "secret", "quota", "pdb", "role", "cluster-role", "deployment", "hpa", "route", "own"}
    changes, shown = world.preview(second)
    assert set(changes) == {"same", "update"}
    assert changes["update"] == len(changed), shown
    assert world.up(second)["update"] == len(changed)
    assert world.live("deployment", "app")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2")
    assert world.live("ingressroute", "app")["spec"]["routes"][0]["match"] == "Host(`v2.test`)"
    assert set(world.refresh(second)) == {"same"}
    assert set(world.up(second)) == {"same"}

    world.destroy(second)
    assert world.live("namespace", world.namespace) is None
    assert world.live("clusterrole", world.namespace) is None
    assert not world.resources()


def test_a_state_holds_what_the_published_plugin_records(world: World) -> None:
    def body(opts: Options) -> None:
        k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"a": "1"}, opts=opts)
        k8s.core.v1.Namespace("generated", opts=Options(provider=opts.provider))

    program = world.inside(body)
    world.up(program)

    recorded = world.resources()
    config = recorded["config"]
    assert config["id"] == f"{world.namespace}/config"
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}, "metadata": world.meta("config")}
    assert config["inputs"] == inputs
    outputs = config["outputs"]
    assert outputs["__inputs"] == inputs
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__fieldManager"].startswith("pulumi-kubernetes-")
    assert outputs["metadata"]["uid"] == world.live("configmap", "config")["metadata"]["uid"]
    name = recorded["generated"]["id"]
    assert name.startswith("generated-")
    assert len(name) == len("generated-") + 8
    assert recorded["generated"]["inputs"]["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    # The name stays as long as the resource does.
    assert set(world.up(program)) == {"same"}
    world.destroy(program)


def test_many_resources_at_once(world: World) -> None:
    def body(opts: Options) -> None:
        for number in range(100):
            name = f"config-{number}"
            k8s.core.v1.ConfigMap(name, metadata=world.meta(name), data={"number": str(number)}, opts=opts)

    program = world.inside(body)
    assert world.up(program, parallel=64) == {"create": 103}
    assert world.up(program) == {"same": 103}
    world.destroy(program, parallel=64)
    assert world.live("namespace", world.namespace) is None


def test_an_update_that_fails_is_finished_by_the_next(world: World) -> None:
    """What was made before the failure is recorded and not made twice."""

    def broken(value: str) -> Program:
        def body(opts: Options) -> None:
            first = k8s.core.v1.ConfigMap("good", metadata=world.meta("good"), data={"a": "1"}, opts=opts)
            later = Options.merge(opts, Options(depends_on=[first]))
            k8s.core.v1.Service(
                "bad", metadata=world.meta("bad"), spec={"type": value, "ports": [{"port": 80}]}, opts=later
            )

        return world.inside(body)

    assert 'spec.type: Unsupported value: "Nonsense"' in world.failure(broken("Nonsense"))
    assert world.live("configmap", "good")
    assert world.up(broken("ClusterIP")) == {"create": 1, "same": 4}
