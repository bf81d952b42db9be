"""An environment's files checked together: everything that is wrong is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.loading import InvalidInput, load_environment, load_products, load_settings, load_tenants
from tests.models.conftest import ENTERPRISE, SETTINGS, Folder, tenant

ROOT = Path(__file__).parents[2]


def test_every_problem_of_every_file_at_once(folder: Folder) -> None:
    folder.settings(SETTINGS.replace("region: local", "region: fsn1").replace("shared_discord_token", "shared_token"))
    folder.tenant(tenant("alice", "starterr", 1), "alice")
    folder.tenant(tenant("bob").replace("name: Bob", "name: 5") + "secret: x\nstatus: gone\n", "bob")
    folder.tenant("a: [\n", "charlie")
    (folder.tenants() / "notes.txt").touch()
    assert folder.problems() == [
        "Pulumi.local.yaml:4: region: 'fsn1' is no region for local; use one of: local",
        "Pulumi.local.yaml:13: shared_secrets.shared_discord_token: is missing: tenants of foundation-cloud share it;"
        " give a reference such as `{config: KEY}`",
        "tenants/local/alice.yaml:6: plan: 'starterr' is no plan of foundation-cloud; did you mean 'starter'?"
        " (starter, pro, enterprise)",
        "tenants/local/bob.yaml:5: display_name: 5 must be text; put it in quotes",
        "tenants/local/bob.yaml:8: secret: holds what looks like a secret in clear; take it out, treat it as known to"
        " others, and give a reference such as `{config: KEY}`",
        "tenants/local/bob.yaml:8: secret: is no field here; did you mean 'secrets'?",
        "tenants/local/bob.yaml:9: status: 'gone' is none of the possible values;"
        " use one of: provisioning, active, suspended, inactive, deleted, failed",
        "tenants/local/charlie.yaml:2: is no YAML: expected the node content, but found '<stream end>'",
        "tenants/local/notes.txt:1: is no tenant's file (SLUG.yaml); the folder holds tenants and nothing else",
    ]


def test_tenants_are_checked_when_the_settings_are_wrong(folder: Folder) -> None:
    folder.settings("config: {}\n")
    folder.tenant(tenant(plan="prro"))
    assert folder.problems() == [
        "Pulumi.local.yaml:1: holds no settings under `config: foundation:environment:`",
        "tenants/local/bob.yaml:6: plan: 'prro' is no plan of foundation-cloud; did you mean 'pro'?"
        " (starter, pro, enterprise)",
    ]


def test_slugs_ids_and_domains_are_taken_once(folder: Folder) -> None:
    folder.tenant(tenant("alice", number=1) + "domains: [shop.example.com]\n", "alice")
    folder.tenant(tenant("bob", number=1) + "domains:\n  - bob.example.com\n  - shop.example.com\n", "bob")
    folder.tenant(tenant("alice", number=3), "charlie")
    taken = [problem for problem in folder.problems() if "is taken by" in problem]
    assert taken == [
        "tenants/local/bob.yaml:4: id: '5b0b7d5e-6c1b-4a53-9c39-0d6a4f3d1a01' is taken by tenants/local/alice.yaml:4;"
        " each tenant has its own",
        "tenants/local/bob.yaml:10: domains[1]: 'shop.example.com' is taken by tenants/local/alice.yaml:8",
        "tenants/local/charlie.yaml:3: slug: 'alice' is taken by tenants/local/alice.yaml:3; each tenant has its own",
    ]


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ("example.test", "is a host of the platform itself; use a domain of the tenant's own"),
        ("app.example.test", "is a host of the platform itself; use a domain of the tenant's own"),
        ("auth.example.test", "is a host of the platform itself; use a domain of the tenant's own"),
        ("admin.example.test", "is a host of the platform itself; use a domain of the tenant's own"),
        ("bob.example.test", "is the tenant's host already; remove it"),
        (
            "alice.example.test",
            "lies below example.test, where every host is named by a tenant's slug; use a domain of the tenant's own",
        ),
    ],
)
def test_hosts_that_are_not_the_tenants(folder: Folder, domain: str, said: str) -> None:
    folder.tenant(tenant() + f"domains: [{domain}]\n")
    assert folder.problems() == [f"tenants/local/bob.yaml:8: domains[0]: {domain!r} {said}"]


def test_wrong_settings(folder: Folder) -> None:
    folder.settings(
        SETTINGS.replace("region: local", "regio: local")
        .replace("[foundation-cloud]", "[]")
        .replace("      service: local\n", "")
        .replace("cluster_identifier: test", "kubeconfig_config: key")
    )
    assert folder.problems() == [
        "Pulumi.local.yaml:2: region: is missing: home of the data: fsn1 or nbg1 in production (FC-287), ``local`` on"
        " one machine",
        "Pulumi.local.yaml:4: regio: is no field here; did you mean 'region'?",
        "Pulumi.local.yaml:5: products: must have at least 1 item",
        "Pulumi.local.yaml:6: kubernetes.cluster_identifier: is missing: fixed identity of the cluster: a changed"
        " kubeconfig then never replaces what runs in it",
        "Pulumi.local.yaml:9: postgresql: give either `service_file` and `service`, or `host`, `username` and"
        " `password`",
    ]


def test_settings_without_a_cluster(folder: Folder) -> None:
    folder.settings("\n".join(line for line in SETTINGS.splitlines() if "kubeconfig:" not in line) + "\n")
    (problem,) = folder.problems()
    assert "there is no cluster: give `kubernetes.kubeconfig` (a path)" in problem


def test_unknown_product_of_an_environment(folder: Folder) -> None:
    folder.settings(SETTINGS.replace("[foundation-cloud]", "[foundation-cloud, warehose]"))
    assert folder.problems() == [
        "Pulumi.local.yaml:5: products[1]: 'warehose' is no product; use one of: foundation-cloud"
    ]


def test_unknown_product_is_named_with_those_that_exist() -> None:
    with pytest.raises(InvalidInput, match="'foundation-clou' is no product; did you mean 'foundation-cloud'"):
        load_products(["foundation-clou"])


def test_no_settings(folder: Folder) -> None:
    assert folder.problems("prod") == [
        "Pulumi.prod.yaml:1: there is no such file",
        "tenants/prod:1: there is no such folder; an empty one means: no tenants",
    ]


def test_no_tenants(folder: Folder) -> None:
    (folder.tenants() / ".gitkeep").touch()
    assert folder.load().tenants == ()


def test_misnamed_file(folder: Folder) -> None:
    (folder.tenants() / "bob.yml").write_text(tenant())
    assert folder.problems() == ["tenants/local/bob.yml:1: is no tenant's file (SLUG.yaml); name it bob.yaml"]


def test_outside_of_a_sandbox_data_stays_in_germany_and_keys_are_real(folder: Folder) -> None:
    folder.settings(SETTINGS.replace("region: local", "region: hel1"), "prod")
    folder.tenants("prod")
    folder.tenant(ENTERPRISE.replace("config: bob", "generate: 32") + "region: ash\n", environment="prod")
    assert folder.problems("prod") == [
        "Pulumi.prod.yaml:4: region: 'hel1' is no region for prod; use one of: fsn1, nbg1",
        "Pulumi.prod.yaml:14: shared_secrets.shared_anthropic_key.generate: can't be generated: another company issues"
        " it; give `config: KEY`",
        "Pulumi.prod.yaml:15: shared_secrets.shared_discord_token.generate: can't be generated: another company issues"
        " it; give `config: KEY`",
        "tenants/prod/bob.yaml:9: secrets.anthropic_key.generate: can't be generated: another company issues it;"
        " give `config: KEY`",
        "tenants/prod/bob.yaml:10: region: 'ash' is no region for prod; use one of: fsn1, nbg1",
    ]


def test_tenant_gets_plan_overrides_and_features(folder: Folder) -> None:
    folder.tenant(tenant() + "overrides: {tasks_per_month: 9000}\nfeatures: [ip-allow-list]\n")
    environment = folder.load()
    plan = environment.plan(environment.tenants[0])
    assert plan.limits.tasks_per_month == 9000
    assert plan.limits.tasks_per_hour == 200
    assert plan.features == ("custom-domains", "ip-allow-list")


def test_parts_can_be_loaded_alone(folder: Folder) -> None:
    folder.tenant(tenant("bob"), "bob")
    folder.tenant(tenant("alice", number=1), "alice")
    assert load_settings(folder.root / "Pulumi.local.yaml", "local").domain == "example.test"
    products = load_products(["foundation-cloud"])
    assert [found.slug for found in load_tenants(folder.tenants(), products)] == ["alice", "bob"]
    folder.tenant(tenant("bob", "prro"), "bob")
    with pytest.raises(InvalidInput, match="'prro' is no plan of foundation-cloud"):
        load_tenants(folder.tenants(), products)


@pytest.mark.parametrize(
    ("environment", "slugs"), [("local", ["alice", "bob", "charlie"]), ("staging", []), ("prod", [])]
)
def test_environments_of_the_repository_are_right(environment: str, slugs: list[str]) -> None:
    loaded = load_environment(ROOT, environment)
    assert [found.slug for found in loaded.tenants] == slugs


def test_sample_tenants_have_one_plan_each() -> None:
    loaded = load_environment(ROOT, "local")
    plans = {found.slug: found.plan for found in loaded.tenants}
    assert plans == {"alice": "starter", "bob": "pro", "charlie": "enterprise"}  # FC-202
