"""One tenant as a graph of resources: what is in it, how it is guarded, and what each status makes of it."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.tenant.stack import TenantStack
from models.tenant import Status
from provider.plugin.values import Secret
from tests.components.monitor import Graph, Registered, run
from tests.components.samples import plan, runtime, stack_args, starter, tenant

GRANT = "postgresql:index/grant:Grant"
BACKUP = {"taken_at": "2026-11-01T00:00:00Z", "location": "backups/alice.dump", "sha256": "0" * 64}


def build(*, preview: bool = False, **args: Any) -> Graph:
    def program() -> None:
        stack = TenantStack("alice", stack_args(**args))
        pulumi.export("url", stack.url)

    graph = run(program, preview=preview)
    assert graph.error == ""
    return graph


def with_status(status: Status, **more: Any) -> Graph:
    return build(of=tenant(status=status, **more))


@pytest.fixture(scope="module")
def graph() -> Graph:
    return build()


def kubernetes(graph: Graph) -> list[Registered]:
    return [found for found in graph.resources.values() if found.type.startswith("kubernetes:")]


def test_has_every_part(graph: Graph) -> None:
    assert graph.kinds() == {
        "Namespace",
        "ResourceQuota",
        "LimitRange",
        "ServiceAccount",
        "NetworkPolicy",
        "Secret",
        "ConfigMap",
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "Middleware",
        "IngressRoute",
        "ServiceMonitor",
        "PrometheusRule",
    }


def test_every_object_carries_the_labels(graph: Graph) -> None:
    for found in kubernetes(graph):
        labels = found.metadata["labels"]
        assert labels["tenant"] == "alice", found.urn
        assert labels["tier"] == "pro", found.urn
        assert labels["product"] == "foundation-cloud", found.urn
    pods = graph.kind("Deployment").inputs["spec"]["template"]["metadata"]["labels"]
    assert {"app": "seldon", "tenant": "alice", "tier": "pro"}.items() <= pods.items()


def test_names_follow_from_the_slug(graph: Graph) -> None:
    assert {(found.inputs["kind"], found.metadata["name"]) for found in kubernetes(graph)} == {
        ("Namespace", "tenant-alice"),
        ("ResourceQuota", "tenant"),
        ("LimitRange", "tenant"),
        ("ServiceAccount", "workload"),
        ("NetworkPolicy", "default-deny"),
        ("NetworkPolicy", "tenant-pod-policy"),
        ("Secret", "tenant-secrets-alice"),
        ("ConfigMap", "agents-config-alice"),
        ("Deployment", "seldon-alice"),
        ("Service", "seldon-alice"),
        ("HorizontalPodAutoscaler", "seldon-alice-hpa"),
        ("PodDisruptionBudget", "seldon-alice"),
        ("Secret", "gateway-redis"),
        ("Middleware", "rate-limit-alice"),
        ("Middleware", "pages-limit-alice"),
        ("Middleware", "circuit-breaker"),
        ("Middleware", "retry"),
        ("Middleware", "auth-jwt"),
        ("Middleware", "headers"),
        ("Middleware", "body-limit"),
        ("IngressRoute", "tenant-alice"),
        ("ServiceMonitor", "seldon-alice"),
        ("PrometheusRule", "tenant-alice"),
    }
    assert {found.metadata.get("namespace") for found in kubernetes(graph)} == {None, "tenant-alice"}


def test_urns_are_what_they_were(graph: Graph) -> None:
    """A changed URN is a resource deleted and made anew: give it an alias before changing this list."""
    expected = """
    TenantStack::alice
    TenantStack$TenantDatabase$DefaultPrivileges::alice-future-sequences
    TenantStack$TenantDatabase$DefaultPrivileges::alice-future-tables
    TenantStack$TenantDatabase$Grant::alice-sequences
    TenantStack$TenantDatabase$Grant::alice-tables
    TenantStack$TenantDatabase$Grant::alice-usage
    TenantStack$TenantDatabase$Role::alice-role
    TenantStack$TenantDatabase$RoleSettings::alice-settings
    TenantStack$TenantDatabase$Schema::alice-schema
    TenantStack$TenantDatabase$SchemaMigrations::alice-migrations
    TenantStack$TenantDatabase::alice
    TenantStack$TenantConfig$ConfigMap::alice-config-map
    TenantStack$TenantConfig::alice
    TenantStack$TenantMonitoring$PrometheusRule::alice-alerts
    TenantStack$TenantMonitoring$ServiceMonitor::alice-seldon
    TenantStack$TenantMonitoring::alice
    TenantStack$TenantNamespace$LimitRange::alice-limits
    TenantStack$TenantNamespace$Namespace::alice-namespace
    TenantStack$TenantNamespace$ResourceQuota::alice-quota
    TenantStack$TenantNamespace$ServiceAccount::alice-service-account
    TenantStack$TenantNamespace::alice
    TenantStack$TenantNetwork$NetworkPolicy::alice-default-deny
    TenantStack$TenantNetwork$NetworkPolicy::alice-pod-policy
    TenantStack$TenantNetwork::alice
    TenantStack$TenantRoute$IngressRoute::alice-route
    TenantStack$TenantRoute$Middleware::alice-auth-jwt
    TenantStack$TenantRoute$Middleware::alice-body-limit
    TenantStack$TenantRoute$Middleware::alice-circuit-breaker
    TenantStack$TenantRoute$Middleware::alice-headers
    TenantStack$TenantRoute$Middleware::alice-pages-limit
    TenantStack$TenantRoute$Middleware::alice-rate-limit
    TenantStack$TenantRoute$Middleware::alice-retry
    TenantStack$TenantRoute$Secret::alice-redis
    TenantStack$TenantRoute::alice
    TenantStack$TenantSecrets$RandomPassword::alice-db-password
    TenantStack$TenantSecrets$Secret::alice-secret
    TenantStack$TenantSecrets::alice
    TenantStack$TenantWorkload$Deployment::alice-seldon-deployment
    TenantStack$TenantWorkload$HorizontalPodAutoscaler::alice-seldon-autoscaler
    TenantStack$TenantWorkload$PodDisruptionBudget::alice-seldon-disruption-budget
    TenantStack$TenantWorkload$Service::alice-seldon-service
    TenantStack$TenantWorkload::alice-seldon
    """
    found = {short(urn) for urn, resource in graph.resources.items() if resource.type != "pulumi:pulumi:Stack"}
    assert found == set(expected.split())


def short(urn: str) -> str:
    """The kinds and the name of a URN, without modules, project and stack."""
    types, name = urn.split("::")[2:]
    return "$".join(token.rpartition(":")[2] for token in types.split("$")) + f"::{name}"


def test_a_resource_takes_nothing_from_its_component_but_what_is_inherited(graph: Graph) -> None:
    for found in graph.resources.values():
        if found.custom:
            assert graph.resources[found.parent].type.startswith("foundation:")


def test_protects_what_holds_data_and_nothing_that_can_be_made_again(graph: Graph) -> None:
    protected = {found.type.rpartition(":")[2] for found in graph.resources.values() if found.custom and found.protect}
    assert protected == {"Namespace", "Schema", "Role", "SchemaMigrations"}


def test_what_is_in_the_namespace_goes_with_it(graph: Graph) -> None:
    namespace = graph.kind("Namespace").urn
    for found in kubernetes(graph):
        assert found.deleted_with == ("" if found.urn == namespace else namespace)


def test_secrets_stay_secret() -> None:
    graph = build(secrets={"anthropic_key": "the-key", "discord_token": "the-token"})
    secret = graph.kind("Secret", "tenant-secrets-alice").inputs
    assert isinstance(secret["data"], Secret) or all(isinstance(value, Secret) for value in secret["data"].values())
    (role,) = graph.of_type("postgresql:index/role:Role")
    assert isinstance(role.inputs["password"], Secret)
    annotations = graph.kind("Deployment").inputs["spec"]["template"]["metadata"]["annotations"]
    assert isinstance(annotations["checksum/secret"], Secret)
    # repr() of a Secret shows nothing, so what is found here is in clear.
    shown = repr(graph.resources) + repr(graph.outputs) + repr(graph.errors)
    for value in ("the-key", "the-token", "random-alice-db-password", "dGhlLWtleQ"):
        assert value not in shown


def test_a_changed_file_or_secret_rolls_the_pods(graph: Graph) -> None:
    def checksums(of: Graph) -> dict[str, Any]:
        annotations: dict[str, Any] = of.kind("Deployment").inputs["spec"]["template"]["metadata"]["annotations"]
        return {key: getattr(value, "value", value) for key, value in annotations.items()}

    before = checksums(graph)
    assert checksums(build()) == before
    config = runtime().config.model_copy(update={"files": {"agents.json": "[1]", "workflows.json": "[]"}})
    file = checksums(build(runtime=runtime().model_copy(update={"config": config})))
    assert file["checksum/config"] != before["checksum/config"]
    assert file["checksum/secret"] == before["checksum/secret"]
    secret = checksums(build(secrets={"anthropic_key": "another"}))
    assert secret["checksum/secret"] != before["checksum/secret"]
    assert secret["checksum/config"] == before["checksum/config"]


def test_the_autoscaler_owns_the_number_of_replicas(graph: Graph) -> None:
    assert "replicas" not in graph.kind("Deployment").inputs["spec"]


def test_pods_wait_for_their_fences_and_tables(graph: Graph) -> None:
    workload = graph.named("foundation:tenant:TenantWorkload", "alice-seldon")
    waits_for = {graph.resources[urn].type.rpartition(":")[2] for urn in workload.dependencies}
    assert {"ResourceQuota", "NetworkPolicy", "Secret", "ConfigMap", "Grant", "RoleSettings"} <= waits_for


def test_route_waits_for_its_token_check(graph: Graph) -> None:
    waits_for = {graph.resources[urn].metadata.get("name") for urn in graph.kind("IngressRoute").dependencies}
    assert "auth-jwt" in waits_for


@pytest.mark.parametrize("status", [Status.PROVISIONING, Status.FAILED])
def test_statuses_of_a_birth_change_nothing(graph: Graph, status: Status) -> None:
    assert with_status(status).resources == graph.resources


def writes(graph: Graph) -> bool:
    tables = graph.named(GRANT, "alice-tables").inputs["privileges"]
    future = graph.named("postgresql:index/defaultPrivileges:DefaultPrivileges", "alice-future-tables").inputs
    (settings,) = graph.of_type("foundation:postgres:RoleSettings")
    assert tables == future["privileges"]
    read_only = settings.inputs["settings"]["default_transaction_read_only"] == "on"
    assert read_only == ("INSERT" not in tables)
    return not read_only


def test_active_writes(graph: Graph) -> None:
    assert writes(graph)


def test_suspended_reads_only_and_runs_on(graph: Graph) -> None:
    suspended = with_status(Status.SUSPENDED)
    assert not writes(suspended)
    # The page that refuses changes, in the platform's namespace, is all that is added.
    (page,) = [suspended.resources[urn] for urn in suspended.resources.keys() - graph.resources.keys()]
    assert (page.metadata["name"], page.metadata["namespace"]) == ("suspended-alice", "foundation")
    assert graph.resources.keys() <= suspended.resources.keys()
    assert suspended.kind("Deployment") == graph.kind("Deployment")


def test_inactive_keeps_data_and_runs_nothing(graph: Graph) -> None:
    inactive = with_status(Status.INACTIVE)
    assert inactive.kind("Deployment").inputs["spec"]["replicas"] == 0
    gone = graph.kinds() - inactive.kinds()
    assert gone == {"HorizontalPodAutoscaler", "Middleware", "IngressRoute", "PrometheusRule"}
    # Nothing that is taken away is protected, or the engine would refuse the update.
    assert not [found.urn for urn, found in graph.resources.items() if urn not in inactive.resources and found.protect]
    (schema,) = inactive.of_type("postgresql:index/schema:Schema")
    assert schema.protect
    assert schema.inputs["dropCascade"] is False


def test_deleted_is_closed_and_kept_until_its_final_backup() -> None:
    deleted = with_status(Status.DELETED)
    (role,) = deleted.of_type("postgresql:index/role:Role")
    assert role.inputs["login"] is False
    assert deleted.kind("Deployment").inputs["spec"]["replicas"] == 0
    assert "IngressRoute" not in deleted.kinds()
    (schema,) = deleted.of_type("postgresql:index/schema:Schema")
    assert (schema.protect, schema.inputs["dropCascade"]) == (False, False)

    backed_up = with_status(Status.DELETED, final_backup=BACKUP)
    (schema,) = backed_up.of_type("postgresql:index/schema:Schema")
    assert (schema.protect, schema.inputs["dropCascade"]) == (False, True)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.DELETED])
def test_a_backup_alone_drops_nothing(status: Status) -> None:
    (schema,) = with_status(status, final_backup=BACKUP).of_type("postgresql:index/schema:Schema")
    assert (schema.protect, schema.inputs["dropCascade"]) == (True, False)


def test_a_change_of_plan_is_made_in_place(graph: Graph) -> None:
    smaller = build(on=starter())
    assert smaller.resources.keys() == graph.resources.keys()
    changed = {
        found.type.rpartition(":")[2]
        for urn, found in graph.resources.items()
        if without_labels(smaller.resources[urn]) != without_labels(found)
    }
    assert changed == {"ResourceQuota", "LimitRange", "Deployment", "HorizontalPodAutoscaler", "PrometheusRule"}
    before, after = graph.kind("Deployment").inputs["spec"], smaller.kind("Deployment").inputs["spec"]
    assert before["selector"] == after["selector"]


def without_labels(found: Registered) -> Any:
    metadata = {key: value for key, value in found.metadata.items() if key != "labels"}
    return {**found.inputs, "metadata": metadata} if found.metadata else found.inputs


def test_own_nodes_for_a_dedicated_plan() -> None:
    pod = build(on=plan(pool="dedicated")).kind("Deployment").inputs["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"tenant": "alice"}
    assert pod["tolerations"] == [{"key": "tenant", "operator": "Equal", "value": "alice", "effect": "NoSchedule"}]


def test_own_domains_are_served_too() -> None:
    graph = build(of=tenant(domains=["shop.example.com"]))
    own, usual = graph.kind("IngressRoute", "domains-alice"), graph.kind("IngressRoute", "tenant-alice")
    assert all("Host(`shop.example.com`)" in rule["match"] for rule in own.inputs["spec"]["routes"])
    assert own.inputs["spec"]["tls"] == {"secretName": "domains-alice"}
    certificate = graph.kind("Certificate", "domains-alice")
    assert certificate.inputs["spec"]["dnsNames"] == ["shop.example.com"]
    # Not before the domain is shown to be the tenant's; the tenant's usual host doesn't wait for that.
    (proof,) = graph.of_type("foundation:gateway:DomainProof")
    assert proof.urn in certificate.dependencies
    assert proof.urn not in usual.dependencies
    assert all("shop.example.com" not in rule["match"] for rule in usual.inputs["spec"]["routes"])


def test_every_key_of_the_secret_is_there_with_or_without_a_value(graph: Graph) -> None:
    data = graph.kind("Secret", "tenant-secrets-alice").inputs["data"]
    keys = data.value if isinstance(data, Secret) else data
    assert keys.keys() == {"db_password", "discord_token", "anthropic_key"}


def test_previews_before_anything_exists() -> None:
    assert build(preview=True).resources.keys() == build().resources.keys()


def test_refuses_a_plan_without_requests_per_minute() -> None:
    limits = plan().limits.model_copy(update={"requests_per_minute": None})
    graph = run(lambda: TenantStack("alice", stack_args(on=plan().model_copy(update={"limits": limits}))))
    assert "requests_per_minute" in graph.error
