"""A whole environment: its register and providers first, then the platform, then tenants who know nothing of each
other."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.access import cluster, database_server, missing_secrets
from components.environment import Environment, EnvironmentArgs
from components.hetzner.api import HetznerApi
from models.loading import Environment as Loaded
from models.tenant import Status
from provider.plugin.values import reveal
from tests.components.monitor import Graph, Registered, run
from tests.components.samples import loaded, tenant

CONFIG = {"postgres_password": "the-admin", "shared_anthropic_key": "the-shared-key", "own_key": "the-own-key"}
REGISTRY = "foundation:tenancy:Registry"


def build(of: Loaded, folder: Path = Path(), hetzner: HetznerApi | None = None, **options: Any) -> Graph:
    def program() -> None:
        config = pulumi.Config()
        settings = of.settings
        environment = Environment(
            "foundation",
            EnvironmentArgs(
                loaded=of,
                cluster=cluster(settings.kubernetes, config.require_secret, folder.joinpath),
                hetzner=hetzner,
                database_server=database_server(settings.postgresql, config.require_secret, folder.joinpath),
                secret=config.require_secret,
            ),
        )
        pulumi.export("tenants", environment.tenants)

    return run(program, config=CONFIG, **options)


@pytest.fixture(scope="module")
def graph() -> Graph:
    graph = build(loaded(tenant("alice"), tenant("bob", plan="starter")))
    assert graph.error == ""
    return graph


def test_registers_tenants_before_any_provider(graph: Graph) -> None:
    (registry,) = graph.of_type(REGISTRY)
    assert registry.inputs["tenants"]["bob"] == {
        "id": str(tenant("bob").id),
        "plan": "starter",
        "status": "active",
        "final_backup": False,
    }
    providers = [found for found in graph.resources.values() if found.type.startswith("pulumi:providers:")]
    assert {found.name for found in providers} == {"kubernetes", "postgresql", "foundation", "random"}
    assert all(registry.urn in provider.dependencies for provider in providers)


def test_touches_nothing_when_the_register_refuses() -> None:
    graph = build(loaded(tenant("alice")), refuse=REGISTRY)
    assert "tenants was refused" in " ".join([graph.error, *graph.errors])
    assert not [found.urn for found in graph.resources.values() if found.custom]


def test_every_resource_is_the_environments_and_uses_an_explicit_provider(graph: Graph) -> None:
    root = graph.named("foundation:index:Environment", "foundation")
    for found in graph.resources.values():
        if found is root or found.type == "pulumi:pulumi:Stack":
            continue
        above = found
        while above.urn != root.urn:
            above = graph.resources[above.parent]
        if found.custom and not found.type.startswith("pulumi:providers:") and found.type != REGISTRY:
            provider = graph.resources[found.provider.rpartition("::")[0]]
            assert provider.type.removeprefix("pulumi:providers:") == found.type.split(":")[0]


def at_hetzner(*, nodes_join: bool = True, **settings: Any) -> Graph:
    """Of an environment with a small cluster."""
    small = {name: {"count": 1} for name in ("shared", "database", "infra")}
    hetzner = {"cluster": "alpha", "token": {"config": "t"}, "admin_cidrs": ["203.0.113.0/24"], "pools": small}
    graph = build(
        loaded(tenant("alice"), hetzner=hetzner, **settings),
        hetzner=HetznerApi(token="x", nodes_join=nodes_join),
    )
    assert graph.error == ""
    return graph


def test_what_is_in_the_cluster_waits_for_the_kinds_that_its_addons_bring() -> None:
    graph = at_hetzner()
    before = graph.named("pulumi:providers:kubernetes", "kubernetes-addons")
    ready = graph.named("foundation:kubernetes:ApiReady", "crds-ready")
    everything = graph.named("pulumi:providers:kubernetes", "kubernetes")
    nodes = graph.named("foundation:kubernetes:ApiReady", "cluster-control-plane-ready")
    charts = graph.of_type("kubernetes:helm.cattle.io/v1:HelmChart")
    assert {chart.metadata["name"] for chart in charts} >= {"traefik-crds", "prometheus-operator-crds", "cert-manager"}
    assert {chart.provider.rpartition("::")[0] for chart in charts} == {before.urn}
    assert nodes.urn in before.dependencies
    assert {chart.urn for chart in charts} <= ready.dependencies
    assert ready.urn in everything.dependencies
    assert {"ingressroutes.traefik.io", "servicemonitors.monitoring.coreos.com"} <= set(ready.inputs["crds"])
    # Every kind that is made an object of is among them.
    kinds = {
        f"{found.type.rpartition(':')[2].lower()}s.{found.type.split(':')[1].partition('/')[0]}"
        for found in graph.resources.values()
        if found.type.startswith("kubernetes:") and found.provider.startswith(everything.urn)
    }
    assert {kind for kind in kinds if kind.endswith(("traefik.io", "cert-manager.io", "coreos.com"))} <= set(
        ready.inputs["crds"]
    )


def test_a_cluster_of_somebody_elses_gets_no_addons_and_is_not_waited_for() -> None:
    graph = at_hetzner(nodes_join=False)
    assert {found.name for found in graph.of_type("pulumi:providers:kubernetes")} == {"kubernetes"}
    assert not graph.of_type("kubernetes:helm.cattle.io/v1:HelmChart")


def test_puts_objects_back_in_place_instead_of_replacing_them(graph: Graph) -> None:
    settings = graph.named("pulumi:providers:kubernetes", "kubernetes").inputs
    assert settings["clusterIdentifier"] == "sandbox"
    for switch in ("enableServerSideApply", "enableConfigMapMutable", "enableSecretMutable"):
        assert settings[switch] == "true"


def test_no_tenant_depends_on_another(graph: Graph) -> None:
    alice, bob = graph.below("alice"), graph.below("bob")
    assert len(alice) == len(bob) > 30
    for own, other in ((alice, bob), (bob, alice)):
        for found in own.values():
            assert not found.dependencies & other.keys()


def test_a_tenant_more_changes_no_other_tenants_resource(graph: Graph) -> None:
    more = build(loaded(tenant("acme"), tenant("alice"), tenant("bob", plan="starter")))
    for slug in ("alice", "bob"):
        assert more.below(slug) == graph.below(slug)
    changed = {
        found.type
        for urn, found in graph.resources.items()
        if more.resources[urn] != found and found.inputs != more.resources[urn].inputs
    }
    assert changed == {REGISTRY}


def test_fixed_names_alone(graph: Graph) -> None:
    for found in graph.resources.values():
        if found.type.startswith("kubernetes:"):
            assert found.metadata["name"]
        if found.type in ("postgresql:index/role:Role", "postgresql:index/schema:Schema"):
            assert found.inputs["name"]


def test_shares_the_key_of_a_tenant_without_its_own() -> None:
    own = tenant("bob", secrets={"anthropic_key": {"config": "own_key"}})
    graph = build(loaded(tenant("alice"), own))

    def key(slug: str) -> str:
        return decoded(graph.kind("Secret", f"tenant-secrets-{slug}"))["anthropic_key"]

    assert (key("alice"), key("bob")) == ("the-shared-key", "the-own-key")


def test_protects_what_holds_data_unless_the_settings_say_not_to() -> None:
    for protect in (True, False):
        graph = build(loaded(tenant("alice"), protect=protect))
        for token in (
            "postgresql:index/database:Database",
            "postgresql:index/schema:Schema",
            "postgresql:index/role:Role",
            "foundation:postgres:SchemaMigrations",
            "kubernetes:core/v1:Namespace",
        ):
            assert {found.protect for found in graph.of_type(token)} == {protect}, token


def test_lets_go_of_a_deleted_tenants_data_alone() -> None:
    graph = build(loaded(tenant("alice"), tenant("bob", status=Status.DELETED)))
    protected = {found.name: found.protect for found in graph.of_type("postgresql:index/schema:Schema")}
    assert protected == {"alice-schema": True, "bob-schema": False}


def test_exports_a_table_of_tenants(graph: Graph) -> None:
    assert graph.exports["tenants"] == {
        "alice": {"plan": "pro", "status": "active", "url": "https://alice.example.test"},
        "bob": {"plan": "starter", "status": "active", "url": "https://bob.example.test"},
    }


def test_takes_connect_from_everybody_but_tenants_roles(graph: Graph) -> None:
    grants = {
        (found.inputs["database"], found.inputs["role"]): found.inputs["privileges"]
        for found in graph.of_type("postgresql:index/grant:Grant")
        if found.inputs["objectType"] == "database"
    }
    assert grants == {
        ("foundation", "public"): [],
        ("auth_db", "public"): [],
        ("auth_db", "auth_db_service"): ["CONNECT"],
        ("foundation", "foundation_tenants"): ["CONNECT"],
    }
    roles = {found.inputs["name"]: found.inputs.get("roles") for found in graph.of_type("postgresql:index/role:Role")}
    assert roles["alice_app"] == roles["bob_app"] == ["foundation_tenants"]


def test_previews_with_unknown_passwords() -> None:
    graph = build(loaded(tenant("alice")), preview=True)
    assert graph.error == ""
    assert graph.below("alice").keys() == build(loaded(tenant("alice"))).below("alice").keys()


def test_names_each_missing_secret() -> None:
    of = loaded(tenant("alice", secrets={"discord_token": {"config": "nowhere"}}))
    messages: list[str] = []
    run(lambda: messages.extend(missing_secrets(of, pulumi.Config())), config=CONFIG)
    (message,) = messages
    assert "tenant alice: secrets.discord_token" in message
    assert "pulumi config set --secret nowhere" in message


def decoded(secret: Registered) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in reveal(secret.inputs["data"]).items()}
