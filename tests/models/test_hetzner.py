"""Settings of a cluster at Hetzner: what follows when little is said, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.tenant.placement import placement
from models import plan
from models.hetzner import Hetzner, Pool, longest_name, names, node_names
from models.hetzner.pool import Autoscale
from models.names import SLUG_PATTERN
from tests.models.conftest import Folder

LEAST: dict[str, Any] = {"cluster": "prod", "token": {"config": "hcloudToken"}, "admin_cidrs": ["203.0.113.0/24"]}


def hetzner(**settings: Any) -> Hetzner:
    return Hetzner.model_validate(LEAST | settings)


def refused(**settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        hetzner(**settings)
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in caught.value.errors())


def test_little_said_is_what_the_requirements_say() -> None:
    found = hetzner()
    assert found.control_plane.count == 3
    shared, database, infra = (found.pools[name] for name in ("shared", "database", "infra"))
    assert (shared.count, shared.autoscale) == (3, Autoscale(min=3, max=6))
    assert shared.taints == ("tier=shared:NoSchedule",)
    assert (database.count, database.taints) == (2, ("workload=database:NoSchedule",))
    assert (infra.count, infra.taints) == (1, ())
    assert [found.pools[name].memory for name in ("shared", "database", "infra")] == [32, 16, 8]
    assert [name for name, pool in found.all_pools(("charlie",)).items() if pool.protect] == [
        "control-plane",
        "database",
    ]
    # Data stays in Germany (FC-287), and nobody waits for CX or CAX.
    for pool in found.all_pools(("charlie",)).values():
        assert {candidate.location for candidate in pool.candidates} == {"fsn1", "nbg1"}
        assert not any(candidate.scarce for candidate in pool.candidates)


def test_what_is_said_of_a_pool_leaves_the_rest_of_it_as_required() -> None:
    found = hetzner(
        control_plane={"count": 1},
        pools={"shared": {"count": 2, "labels": {"disk": "fast"}, "taints": ["a=b:NoExecute"]}, "batch": None},
    )
    assert list(found.pools) == ["shared", "batch", "database", "infra"]
    shared = found.pools["shared"]
    assert shared.labels == {"pool": "shared", "tier": "shared", "disk": "fast"}
    assert shared.taints == ("tier=shared:NoSchedule", "a=b:NoExecute")
    assert shared.autoscale == Autoscale(min=2, max=6)
    assert found.pools["batch"] == Pool(labels={"pool": "batch"})
    assert found.control_plane.taints == ("node-role.kubernetes.io/control-plane:NoSchedule",)
    # Settings that were written out read the same.
    assert Hetzner.model_validate(found.model_dump()) == found


@pytest.mark.parametrize(("pool", "of_the_plan"), [("shared", plan.Pool.SHARED), ("t-charlie", plan.Pool.DEDICATED)])
def test_tenants_pods_land_on_the_pools_of_their_plan(pool: str, of_the_plan: plan.Pool) -> None:
    nodes = hetzner(enterprise={"taints": ["gpu=no:PreferNoSchedule"]}).all_pools(("charlie",))
    pod = placement(of_the_plan, "charlie")
    fitting = [name for name, found in nodes.items() if pod["nodeSelector"].items() <= found.labels.items()]
    assert fitting == [pool]
    tolerated = {f"{one['key']}={one['value']}:{one['effect']}" for one in pod["tolerations"]}
    keeping_away = {taint for taint in nodes[pool].taints if taint.endswith((":NoSchedule", ":NoExecute"))}
    assert keeping_away <= tolerated


def test_an_enterprise_tenant_has_one_server_with_its_own_generation() -> None:
    found = hetzner(enterprise={"generation": 2, "generations": {"charlie": 3}}).all_pools(("charlie", "dora"))
    charlie, dora = found["t-charlie"], found["t-dora"]
    assert node_names("prod", "t-charlie", charlie) == ("prod-t-charlie-01-g3",)
    assert node_names("prod", "t-dora", dora) == ("prod-t-dora-01-g2",)
    assert charlie.labels == {"pool": "enterprise", "tenant": "charlie"}
    assert charlie.taints == ("tenant=charlie:NoSchedule",)


def test_a_slot_is_rolled_by_itself() -> None:
    pool = Pool(count=3, generations={2: 2}, unprotected=(2,), protect=True)
    assert node_names("prod", "shared", pool) == ("prod-shared-01-g1", "prod-shared-02-g2", "prod-shared-03-g1")
    assert [pool.protected(slot) for slot in pool.slots] == [True, False, True]


ANYTHING = [
    ({"admin_cidrs": []}, "admin_cidrs: Tuple should have at least 1 item"),
    ({"admin_cidrs": ["0.0.0.0/0"]}, "opens SSH and the Kubernetes API to 0.0.0.0/0"),
    ({"admin_cidrs": ["::/0"]}, "opens SSH and the Kubernetes API to ::/0"),
    ({"admin_cidrs": ["128.0.0.0/1", "0.0.0.0/1"]}, "to 0.0.0.0/0: give the networks that administrators come from"),
    ({"admin_cidrs": ["2000::/3"]}, "/16 or narrower"),
    ({"admin_cidrs": ["203.0.113.7/24"]}, "is no network such as 203.0.113.0/24"),
    ({"token": None}, "give either `token`"),
    ({"credentials_file": "x.json"}, "give either `token`"),
    ({"cluster": "Prod"}, "cluster: "),
    ({"control_plane": {"count": 2}}, "control_plane.count is 2: give 1 or 3"),
    ({"control_plane": {"autoscale": {"min": 3, "max": 4}}}, "control_plane.autoscale"),
    ({"control_plane": {"egress": "nat"}}, "control_plane.egress is nat"),
    ({"pools": {"shared": {"count": 4, "autoscale": {"min": 3, "max": 6}}}}, "autoscale.min is 3, below count 4"),
    ({"pools": {"batch": {"autoscale": {"min": 3, "max": 2}}}}, "max is 2, below min 3: give at least 3"),
    ({"pools": {"batch": {"generations": {2: 2}}}}, "generations names slot 2, but count is 1: slots are 1 to 1"),
    ({"pools": {"batch": {"count": 0, "unprotected": [1]}}}, "unprotected names slot 1, but count is 0: there is no"),
    ({"pools": {"t-dora": {}}}, "pools.t-dora: control-plane, nat and names that begin with t-"),
    ({"pools": {"nat": {}}}, "pools.nat"),
    ({"pools": {"batch": {"egress": "nat"}}}, "pool batch has egress nat, but there is no `nat`"),
    ({"load_balancer": None}, "load_balancer is null: visitors would have no way in; leave it out, or give its"),
    ({"load_balancer": {"pool": "shared"}}, "load_balancer.pool is 'shared': give infra, where the ingress runs"),
    ({"load_balancer": {"location": "ash"}}, "load_balancer.location is ash, which isn't in network zone eu-central"),
    (
        {"pools": {"batch": {"candidates": [{"server_type": "cx23", "location": "fsn1"}]}}},
        "has only CX and CAX types",
    ),
    (
        {"pools": {"batch": {"candidates": [{"server_type": "cpx22", "location": "fsn1"}] * 2}}},
        "has the same type and location twice",
    ),
    (
        {
            "pools": {
                "batch": {
                    "candidates": [
                        {"server_type": "ccx13", "location": "fsn1"},
                        {"server_type": "cpx21", "location": "ash"},
                    ]
                }
            }
        },
        "spans the network zones eu-central, us-east",
    ),
    (
        {"pools": {"batch": {"candidates": [{"server_type": "cpx21", "location": "ash"}]}}},
        "pool batch has location ash, which isn't in network zone eu-central",
    ),
    ({"pools": {"batch": {"volumes": {"data": {"size": 10}}}}}, "candidates in fsn1 and nbg1: a volume can't leave"),
    ({"pools": {"batch": {"volumes": {"data": {"size": 9}}}}}, "greater than or equal to 10"),
    ({"pools": {"batch": {"labels": {"kubernetes.io/role": "x"}}}}, "can't be set by a node itself"),
    ({"pools": {"batch": {"labels": {"hetzner.cloud/x": "x"}}}}, "is reserved for the vendor"),
    ({"pools": {"batch": {"taints": ["tier=shared"]}}}, "taints.0"),
    ({"network": {"ip_range": "8.8.0.0/16"}}, "must lie in 10.0.0.0/8"),
    ({"network": {"subnet": "10.1.0.0/24"}}, "subnet 10.1.0.0/24 doesn't lie in ip_range 10.0.0.0/16"),
    ({"network": {"subnet": "10.0.0.0/25"}}, "too small for the 100 servers"),
    ({"network": {"cluster_cidr": "10.0.128.0/17"}}, "cluster_cidr 10.0.128.0/17 overlaps ip_range"),
    ({"network": {"service_cidr": "10.42.7.0/24"}}, "service_cidr 10.42.7.0/24 overlaps cluster_cidr"),
    ({"ssh_keys": {"ann": "-----BEGIN PRIVATE KEY-----"}}, "ssh_keys.ann"),
]


@pytest.mark.parametrize(("settings", "message"), ANYTHING, ids=[message for _, message in ANYTHING])
def test_a_mistake_is_refused_with_what_would_be_right(settings: dict[str, Any], message: str) -> None:
    assert message in refused(**settings)


def test_names_are_as_long_as_a_host_name_may_be_and_no_longer() -> None:
    cluster = "c" * 20
    longest = 63 - len(cluster) - len("--01-g1")
    assert longest > 30, "a pool's name is the shorter one without autoscaling"
    autoscaled = 63 - len(cluster) - 1 - names.NAME_RANDOM
    hetzner(cluster=cluster, pools={"p" * autoscaled: {"autoscale": {"min": 1, "max": 2}}})
    found = refused(cluster=cluster, pools={"p" * (autoscaled + 1): {"autoscale": {"min": 1, "max": 2}}})
    assert "make server names of 64 characters" in found
    assert "shorten them by 1" in found


@given(
    slug=st.from_regex(SLUG_PATTERN, fullmatch=True),
    cluster=st.from_regex(r"[a-z][a-z0-9]{0,19}", fullmatch=True),
    generation=st.integers(1, names.LARGEST_GENERATION),
)
def test_every_tenants_server_has_a_name_that_fits(slug: str, cluster: str, generation: int) -> None:
    found = hetzner(cluster=cluster, enterprise={"generation": generation})
    pool_name = names.enterprise_pool(slug)
    assert len(longest_name(cluster, pool_name, found.enterprise.pool(slug))) <= names.SERVER_NAME_LENGTH


def test_the_api_has_no_tenants_host() -> None:
    label = names.api_host("example.com").partition(".")[0]
    assert not SLUG_PATTERN.fullmatch(label)


PRODUCTION = """\
config:
  foundation:environment:
    domain: app.example.com
    region: fsn1
    products: [foundation-cloud]
    kubernetes: {cluster_identifier: test}
    hetzner:
      cluster: prod
      token: {generate: 64}
      admin_cidrs: [203.0.113.0/24]
      dns: {zone: example.org}
      load_balancer: {location: hel1}
      pools:
        database:
          count: 1
          candidates:
            - {server_type: ccx23, location: nbg1}
            - {server_type: ccx23, location: hel1}
    postgresql:
      service_file: pg_service.conf
      service: prod
      pooler_host: pgbouncer.foundation.svc
    shared_secrets:
      shared_anthropic_key: {config: a}
      shared_discord_token: {config: b}
"""


def test_what_only_the_environment_makes_wrong_is_said_with_its_line(folder: Folder) -> None:
    folder.settings(PRODUCTION, "prod")
    folder.tenants("prod")
    assert folder.problems("prod") == [
        "Pulumi.prod.yaml:9: hetzner.token.generate: can't be generated: whoever runs the service issues it; give"
        " `config: KEY`",
        "Pulumi.prod.yaml:11: hetzner.dns.zone: 'example.org' doesn't hold the domain app.example.com; give"
        " app.example.com, or the zone that it lies in",
        "Pulumi.prod.yaml:12: hetzner.load_balancer.location: 'hel1' is outside of Germany, where data stays (FC-287);"
        " use one of: fsn1, nbg1",
        "Pulumi.prod.yaml:15: hetzner.pools.database.count: 1 is too few for production: the standby needs a node of"
        " its own (FC-283); give 2",
        "Pulumi.prod.yaml:18: hetzner.pools.database.candidates[1].location: 'hel1' is outside of Germany, where data"
        " stays (FC-287); use one of: fsn1, nbg1",
    ]


def test_the_same_is_right_elsewhere(folder: Folder) -> None:
    text = PRODUCTION.replace("hel1", "fsn1").replace("generate: 64", "config: c").replace("example.org", "example.com")
    folder.settings(text, "staging")
    folder.tenants("staging")
    assert folder.load("staging").settings.hetzner is not None
