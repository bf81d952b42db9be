"""Each rule over plain data: what it finds, what it lets pass, and what it makes of unknown values."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from policies.plain import UNKNOWN, Resource, Violation
from policies.rules import data, images, pods, secrets, tenants
from policies.rules.types import ResourceRule, StackRule

DIGEST = "sha256:" + "0" * 64


def resource(type_: str, name: str, properties: dict[str, Any], protect: bool = False) -> Resource:
    return Resource(type_, name, f"urn:pulumi:local::foundation::{type_}::{name}", properties, protect)


def container(**changes: Any) -> dict[str, Any]:
    good = {
        "name": "seldon",
        "image": "ghcr.io/foundation/seldon:v2.0",
        "resources": {
            "requests": {"cpu": "250m", "memory": "512Mi"},
            "limits": {"cpu": "1", "memory": "2Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {**good, **changes}


def deployment(*containers: dict[str, Any], **spec: Any) -> Resource:
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": list(containers) or [container()],
        **spec,
    }
    properties = {"metadata": {"labels": {"tenant": "alice"}}, "spec": {"template": {"spec": pod}}}
    return resource("kubernetes:apps/v1:Deployment", "seldon-alice", properties)


def offences(rule: ResourceRule, judged: Resource) -> list[str]:
    return list(rule.judge(judged))


def violations(rule: StackRule, *judged: Resource) -> list[Violation]:
    return list(rule.judge(judged))


def context(**changes: Any) -> dict[str, Any]:
    return container(securityContext={**container()["securityContext"], **changes})


@pytest.mark.parametrize(
    ("workload", "expected"),
    [
        (deployment(), []),
        (deployment(hostNetwork=True), ["spec.hostNetwork must not be true"]),
        (deployment(hostPID=True), ["spec.hostPID must not be true"]),
        (deployment(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), ["volume v must not be a hostPath"]),
        (
            deployment(context(privileged=True)),
            ["container seldon: securityContext.privileged must not be true"],
        ),
        (
            deployment(context(runAsNonRoot=False)),
            ["container seldon: securityContext.runAsNonRoot must be true"],
        ),
        (
            deployment(context(allowPrivilegeEscalation=True)),
            ["container seldon: securityContext.allowPrivilegeEscalation must be false"],
        ),
        (
            deployment(context(readOnlyRootFilesystem=None)),
            ["container seldon: securityContext.readOnlyRootFilesystem must be true"],
        ),
        (
            deployment(context(capabilities={"add": ["NET_ADMIN"]})),
            ["container seldon: securityContext.capabilities.drop must be [ALL]"],
        ),
        (
            deployment(context(seccompProfile={"type": "Unconfined"})),
            ["container seldon: securityContext.seccompProfile.type must be RuntimeDefault or Localhost"],
        ),
        (
            deployment(initContainers=[container(name="init", securityContext={})]),
            [
                "container init: securityContext.allowPrivilegeEscalation must be false",
                "container init: securityContext.readOnlyRootFilesystem must be true",
                "container init: securityContext.capabilities.drop must be [ALL]",
            ],
        ),
        (deployment(context(privileged=UNKNOWN, capabilities=UNKNOWN, seccompProfile=UNKNOWN)), []),
    ],
)
def test_pods_are_restricted(workload: Resource, expected: list[str]) -> None:
    assert offences(pods.RESTRICTED, workload) == expected


@pytest.mark.parametrize("kind", ["apps/v1:StatefulSet", "apps/v1:DaemonSet", "batch/v1:Job"])
def test_every_kind_of_workload_is_judged(kind: str) -> None:
    judged = resource(f"kubernetes:{kind}", "w", deployment(hostIPC=True).properties)
    assert offences(pods.RESTRICTED, judged) == ["spec.hostIPC must not be true"]


def test_a_cron_jobs_pods_are_judged() -> None:
    template = deployment(hostNetwork=True).properties["spec"]
    judged = resource("kubernetes:batch/v1:CronJob", "w", {"spec": {"jobTemplate": {"spec": template}}})
    assert offences(pods.RESTRICTED, judged) == ["spec.hostNetwork must not be true"]


def test_containers_are_bounded() -> None:
    unbounded = container(resources={"requests": {"cpu": "1"}})
    assert offences(pods.BOUNDED, deployment(unbounded)) == [
        "container seldon: resources.requests.memory is missing",
        "container seldon: resources.limits.cpu is missing",
        "container seldon: resources.limits.memory is missing",
    ]
    assert offences(pods.BOUNDED, deployment(container(resources=UNKNOWN))) == []
    assert offences(pods.BOUNDED, deployment()) == []


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("ghcr.io/foundation/seldon:v2.0", True),
        (f"ghcr.io/foundation/seldon@{DIGEST}", True),
        (f"ghcr.io/foundation/seldon:v2.0@{DIGEST}", True),
        ("ghcr.io/foundation/seldon", False),
        ("ghcr.io/foundation/seldon:latest", False),
        ("registry.local:5000/seldon", False),
        ("registry.local:5000/seldon:v2.0", True),
        ("ghcr.io/foundation/seldon@sha256:abc", False),
    ],
)
def test_images_are_pinned(image: str, pinned: bool) -> None:
    assert images.is_pinned(image) is pinned
    found = offences(images.PINNED, deployment(container(image=image)))
    assert bool(found) is not pinned


def test_an_unknown_image_is_left_to_the_update() -> None:
    assert offences(images.PINNED, deployment(container(image=UNKNOWN))) == []


PLANTED = {
    "a private key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE",
    "an Anthropic key": "sk-ant-" + "planted0123456789",
    "a Stripe key": "sk_" + "live_planted0123456789",
    "an API key of a tenant": "fc_" + "live_alice_" + "0123456789abcdef" * 2,
    "a GitHub token": "gh" + "p_planted0123456789planted01",
    "a JSON Web Token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0.c2lnbmF0dXJl",
    "a password in a URL": "postgresql://alice:planted@database/foundation",
}


@pytest.mark.parametrize("what", sorted(PLANTED))
def test_a_secret_in_a_config_map_is_found_and_not_shown(what: str) -> None:
    judged = resource("kubernetes:core/v1:ConfigMap", "c", {"data": {"agents.json": f"x {PLANTED[what]} y"}})
    (message,) = offences(secrets.NONE_IN_CLEAR, judged)
    assert message == f"data.agents.json holds what looks like {what}: put it into a Secret"
    assert "planted" not in message
    assert "0123456789" not in message


def test_a_secret_that_is_a_key_is_found_and_not_shown() -> None:
    data = {PLANTED["an Anthropic key"]: PLANTED["a Stripe key"]}
    found = offences(secrets.NONE_IN_CLEAR, resource("kubernetes:core/v1:ConfigMap", "c", {"data": data}))
    assert len(found) == 2
    assert "planted" not in " ".join(found)


def test_a_secret_in_a_pods_variable_is_found() -> None:
    variables = [
        {"name": "DISCORD_TOKEN", "value": "planted"},
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "db_password"}}},
        {"name": "TOKENIZER", "value": "fast"},
    ]
    (message,) = offences(secrets.NONE_IN_CLEAR, deployment(container(env=variables)))
    assert message.startswith("container seldon: the variable DISCORD_TOKEN must come from a Secret")
    assert "planted" not in message


def test_secrets_may_stand_in_secrets() -> None:
    judged = resource("kubernetes:core/v1:Secret", "s", {"stringData": {"key": PLANTED["a Stripe key"]}})
    assert offences(secrets.NONE_IN_CLEAR, judged) == []


def test_secrets_may_stand_in_inputs_that_are_secret() -> None:
    judged = resource("foundation:kubernetes:ApiReady", "r", {"kubeconfig": PLANTED["a private key"]})
    assert offences(secrets.NONE_IN_CLEAR, judged) == []


def tenant_objects(slug: str) -> list[Resource]:
    labels = {"tenant": slug}
    inside = {"namespace": f"tenant-{slug}", "labels": labels}
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    namespace = {**labels, "pod-security.kubernetes.io/enforce": "restricted"}
    return [
        resource(tenants.NAMESPACE, slug, {"metadata": {"name": f"tenant-{slug}", "labels": namespace}}, True),
        resource("kubernetes:core/v1:ResourceQuota", f"{slug}-q", {"metadata": inside}),
        resource("kubernetes:core/v1:LimitRange", f"{slug}-l", {"metadata": inside}),
        resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", f"{slug}-n", {"metadata": inside, "spec": deny}),
    ]


def test_tenants_are_fenced() -> None:
    assert violations(tenants.FENCED, *tenant_objects("alice"), *tenant_objects("bob")) == []


@pytest.mark.parametrize(("missing", "words"), [(1, "a ResourceQuota"), (2, "a LimitRange"), (3, "a NetworkPolicy")])
def test_a_tenant_without_its_fence_is_found(missing: int, words: str) -> None:
    objects = tenant_objects("alice")
    del objects[missing]
    # Another tenant's fence is none for this one.
    (found,) = violations(tenants.FENCED, *objects, *tenant_objects("bob"))
    assert words in found.message
    assert found.urn == objects[0].urn


def test_a_policy_that_lets_something_in_is_no_default_deny() -> None:
    objects = tenant_objects("alice")
    objects[3].properties["spec"]["ingress"] = [{}]
    assert "denies by default" in violations(tenants.FENCED, *objects)[0].message


def test_a_namespace_that_is_not_restricted_is_found() -> None:
    objects = tenant_objects("alice")
    objects[0].properties["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "baseline"
    assert "must be restricted" in violations(tenants.FENCED, *objects)[0].message


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({}, 0),
        ({"type": "ClusterIP"}, 0),
        ({"type": UNKNOWN}, 0),
        ({"type": "NodePort"}, 1),
        ({"type": "LoadBalancer"}, 1),
    ],
)
def test_tenants_have_no_door_of_their_own(spec: dict[str, Any], found: int) -> None:
    metadata = {"labels": {"tenant": "alice"}}
    judged = resource("kubernetes:core/v1:Service", "s", {"metadata": metadata, "spec": spec})
    assert len(offences(tenants.NO_DOOR_OF_ITS_OWN, judged)) == found
    platform = resource("kubernetes:core/v1:Service", "s", {"metadata": {}, "spec": spec})
    assert offences(tenants.NO_DOOR_OF_ITS_OWN, platform) == []


NAMING = {
    "an environment variable": ("kubernetes:apps/v1:Deployment", {"env": "tenant_bob"}),
    "a Secret": ("kubernetes:apps/v1:Deployment", {"secretRef": {"name": "tenant-secrets-bob"}}),
    "a host inside the cluster": ("traefik.io/v1alpha1:IngressRoute", {"service": "seldon.tenant-bob.svc"}),
    "a role": ("kubernetes:core/v1:ConfigMap", {"user": "bob_app"}),
}


@pytest.mark.parametrize("what", sorted(NAMING))
def test_an_object_that_names_another_tenants_is_found(what: str) -> None:
    kind, properties = NAMING[what]
    metadata = {"namespace": "tenant-alice", "labels": {"tenant": "alice"}}
    offender = resource(kind, "offender", {"metadata": metadata, "spec": properties})
    (found,) = violations(tenants.NAMES_NO_OTHER, *tenant_objects("alice"), *tenant_objects("bob"), offender)
    assert found.urn == offender.urn
    assert "an object of tenant alice names tenant bob's" in found.message


def test_a_grant_on_another_tenants_schema_is_found() -> None:
    grant = resource("postgresql:index/grant:Grant", "g", {"role": "alice_app", "schema": "tenant_bob"})
    objects = [*tenant_objects("alice"), *tenant_objects("bob"), grant]
    assert [found.urn for found in violations(tenants.NAMES_NO_OTHER, *objects)] == [grant.urn]


def test_a_tenant_whose_name_begins_like_anothers_is_no_offence() -> None:
    objects = [*tenant_objects("acme"), *tenant_objects("acme-labs")]
    own = resource(
        "kubernetes:core/v1:ConfigMap",
        "c",
        {
            "metadata": {"namespace": "tenant-acme-labs", "labels": {"tenant": "acme-labs"}},
            "data": {"s": "tenant_acme_labs"},
        },
    )
    assert violations(tenants.NAMES_NO_OTHER, *objects, own) == []


def test_a_secret_called_as_another_tenants_namespace_is_no_offence() -> None:
    metadata = {"namespace": "tenant-bob", "labels": {"tenant": "bob"}}
    own = resource("kubernetes:core/v1:Secret", "s", {"metadata": {**metadata, "name": "tenant-secrets-bob"}})
    assert violations(tenants.NAMES_NO_OTHER, *tenant_objects("bob"), *tenant_objects("secrets-bob"), own) == []


def registry(slug: str, **facts: Any) -> Resource:
    return resource(
        tenants.REGISTRY, "registry", {"tenants": {slug: {"status": "active", "final_backup": False, **facts}}}
    )


def schema(**properties: Any) -> dict[str, Any]:
    return {"name": "tenant_alice", **properties}


@pytest.mark.parametrize(
    ("facts", "properties", "protect", "words"),
    [
        ({}, schema(), True, []),
        ({}, schema(), False, ["must be protected"]),
        ({"status": "deleted"}, schema(), False, []),
        ({"status": UNKNOWN}, schema(), False, []),
        ({"status": "deleted"}, schema(dropCascade=True), False, ["final_backup"]),
        ({"status": "deleted", "final_backup": True}, schema(dropCascade=True), False, []),
        ({"status": "active", "final_backup": True}, schema(dropCascade=True), True, ["final_backup"]),
    ],
)
def test_data_is_protected(facts: dict[str, Any], properties: dict[str, Any], protect: bool, words: list[str]) -> None:
    judged = resource("postgresql:index/schema:Schema", "s", properties, protect)
    found = violations(data.PROTECTED, registry("alice", **facts), judged)
    assert len(found) == len(words)
    assert all(word in violation.message for word, violation in zip(words, found, strict=True))


def test_another_tenants_deletion_approves_nothing() -> None:
    judged = resource("postgresql:index/schema:Schema", "s", schema(), False)
    assert violations(data.PROTECTED, registry("bob", status="deleted"), judged)


def test_rules_leave_what_they_judge_as_it_is() -> None:
    judged = deployment(context(privileged=True))
    before = copy.deepcopy(judged.properties)
    offences(pods.RESTRICTED, judged)
    violations(tenants.NAMES_NO_OTHER, judged)
    assert judged.properties == before
