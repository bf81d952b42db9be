"""The arithmetic and the specs, apart from any resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from components.gateway import rules
from components.pod_security import CONTAINER_SECURITY, pod_security
from components.tenant import network, quota
from components.tenant.secrets import checksum
from components.tenant.service import disruption_budget_spec, port_number, service_port_name, service_ports
from models.environment import Platform
from models.workload import Route
from tests.components.samples import identity, plan, runtime, starter

SELDON = runtime().workloads[0]


def middlewares(requests_per_minute: int, allow_list: Sequence[str] = ()) -> Mapping[str, Any]:
    return rules.middlewares("alice", "http://auth", requests_per_minute, "redis:6379", allow_list)


class TestQuota:
    def test_is_every_container_times_replicas_and_one_surge(self) -> None:
        hard = quota.quota(runtime().workloads)
        # (500m + 50m) x (5 + 1), (2000m + 200m) x 6, (1Gi + 128Mi) x 6, (4Gi + 512Mi) x 6
        assert hard["requests.cpu"] == "3300m"
        assert hard["limits.cpu"] == "13200m"
        assert hard["requests.memory"] == "6912Mi"
        assert hard["limits.memory"] == "27Gi"
        assert hard["pods"] == "6"
        assert hard["services.nodeports"] == hard["services.loadbalancers"] == "0"

    def test_a_larger_override_that_goes_has_room_by_replicas(self) -> None:
        """docs/how-to/tenants.md: the old pods stay until the new one is ready."""
        (workload,) = runtime().workloads
        pod, running = quota.pod_amounts(workload), 2
        larger = {key: value * 4 for key, value in pod.items()}

        def has_room(max_replicas: int) -> bool:
            scaling = workload.scaling.model_copy(update={"max_replicas": max_replicas})
            hard = quota.quota([workload.model_copy(update={"scaling": scaling})])
            return all(parse_quantity(hard[key]) >= larger[key] * running + pod[key] for key in pod)

        assert not has_room(workload.scaling.max_replicas)
        assert has_room(4 * running)

    def test_names_every_resource_of_the_benchmarks(self) -> None:
        """MTB-PL1-CC-FNS-1 and FNS-2 look for these words in the quota's keys."""
        keys = " ".join(quota.quota(runtime().workloads))
        for word in (
            *("cpu", "memory", "ephemeral-storage", "pods", "services", "replicationcontrollers", "resourcequotas"),
            *("secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"),
        ):
            assert word in keys

    def test_leaves_room_to_change_from_any_plan(self) -> None:
        """While the new pods of a smaller plan come up, one old pod of the larger one is still there."""
        small, large = runtime(starter()).workloads, runtime(plan()).workloads
        hard = quota.quota(small, [small, large])
        for key, old in quota.pod_amounts(large[0]).items():
            assert parse_quantity(hard[key]) >= old + quota.pod_amounts(small[0])[key]
        assert hard["pods"] == "2"

    @given(st.integers(1, 10**6))
    def test_cores_keep_their_value(self, thousandths: int) -> None:
        cores = Decimal(thousandths) / 1000
        assert parse_quantity(quota.format_cores(cores)) == cores

    @given(st.integers(1, 2**50))
    def test_bytes_keep_their_value(self, size: int) -> None:
        assert parse_quantity(quota.format_bytes(Decimal(size))) == size

    def test_writes_quantities_as_the_api_server_does(self) -> None:
        assert quota.format_cores(Decimal("2.000")) == "2"
        assert quota.format_cores(Decimal("0.25")) == "250m"
        assert quota.format_bytes(Decimal(1536 * 2**20)) == "1536Mi"
        assert quota.format_bytes(Decimal(2**31)) == "2Gi"

    def test_no_container_above_the_plans_largest(self) -> None:
        (limits,) = quota.limit_range(runtime().workloads)["limits"]
        assert limits["max"] == {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "1Gi"}
        assert limits["defaultRequest"]["cpu"] == "50m"
        assert limits["default"]["memory"] == "512Mi"


class TestNetwork:
    WAYS = network.Ways.of(runtime(), Platform(), 5432)
    SPEC = network.tenant_pod_policy(WAYS)

    def test_denies_by_default_both_ways(self) -> None:
        assert network.DEFAULT_DENY == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def test_in_come_the_gateway_and_prometheus_alone(self) -> None:
        gateway, prometheus = self.SPEC["ingress"]
        assert gateway["from"][0]["podSelector"]["matchLabels"] == {"app": "traefik"}
        assert [port["port"] for port in gateway["ports"]] == [18789, 18810]
        assert prometheus["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}
        assert [port["port"] for port in prometheus["ports"]] == [18789]

    def test_out_go_names_database_and_public_https(self) -> None:
        dns, database, public = self.SPEC["egress"]
        assert {(port["protocol"], port["port"]) for port in dns["ports"]} == {("UDP", 53), ("TCP", 53)}
        assert database["to"][0]["podSelector"]["matchLabels"] == {"app": "pgbouncer"}
        assert [port["port"] for port in database["ports"]] == [5432]
        assert [port["port"] for port in public["ports"]] == [443]

    @pytest.mark.parametrize(
        "private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7"]
    )
    def test_private_networks_stay_closed(self, private: str) -> None:
        blocks = [target["ipBlock"] for target in self.SPEC["egress"][-1]["to"]]
        assert private in [excluded for block in blocks for excluded in block["except"]]

    def test_every_selector_names_its_namespace(self) -> None:
        """Without one, a selector finds pods in the tenant's own namespace only (FC-309); with an empty one, in all."""
        peers = [peer for rule in self.SPEC["ingress"] for peer in rule["from"]]
        peers += [peer for rule in self.SPEC["egress"] for peer in rule["to"] if "ipBlock" not in peer]
        for peer in peers:
            assert peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            assert peer["podSelector"]["matchLabels"]

    def test_selects_the_tenants_workloads(self) -> None:
        assert self.SPEC["podSelector"] == {"matchLabels": {"app": "seldon"}}
        two = network.Ways(Platform(), ("b", "a"), (1,), (), 5432, ())
        assert network.tenant_pod_policy(two)["podSelector"] == {
            "matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]
        }

    def test_nothing_public_without_ports(self) -> None:
        closed = network.Ways(Platform(), ("a",), (1,), (), 5432, ())
        assert all("ipBlock" not in peer for rule in network.tenant_pod_policy(closed)["egress"] for peer in rule["to"])


class TestRoutes:
    ROUTES = (
        Route(workload="seldon", port="api"),
        Route(path_prefixes=("/health", "/login"), workload="seldon", port="api", authenticated=False),
        Route(path_prefixes=("/dashboard/",), workload="seldon", port="http"),
    )
    PORTS = {("seldon", "api"): 18789, ("seldon", "http"): 18810}
    SPEC = rules.ingress_route("alice", ["alice.example.test"], ROUTES, PORTS, "websecure")

    def test_longest_prefix_wins(self) -> None:
        by_priority = sorted(self.SPEC["routes"], key=lambda route: -route["priority"])
        assert [route["services"][0]["port"] for route in by_priority] == [18810, 18789, 18789, 18789]
        assert by_priority[-1]["match"] == "Host(`alice.example.test`)"
        assert all(route["priority"] > 0 for route in by_priority)

    def test_a_prefix_doesnt_match_its_namesakes(self) -> None:
        assert rules.path_match("/login") == "Path(`/login`) || PathPrefix(`/login/`)"

    def test_hosts_are_joined_before_paths(self) -> None:
        spec = rules.ingress_route("alice", ["a.test", "b.test"], self.ROUTES[1:2], self.PORTS, "websecure")
        for route in spec["routes"]:
            assert route["match"].startswith("(Host(`a.test`) || Host(`b.test`)) && (Path(")

    def test_all_but_exempt_paths_ask_for_a_token(self) -> None:
        asks = {
            route["match"]: "auth-jwt" in [middleware["name"] for middleware in route["middlewares"]]
            for route in self.SPEC["routes"]
        }
        assert [match for match, token in asks.items() if not token] == [
            f"(Host(`alice.example.test`)) && {rules.exempt_match(path)}" for path in ("/health", "/login")
        ]

    def test_identity_headers_never_come_from_outside(self) -> None:
        for authenticated in (True, False):
            order = rules.chain("alice", authenticated=authenticated)
            assert order[0] == rules.HEADERS
            assert (rules.AUTH in order) == authenticated
        specs = middlewares(300)
        replaced = specs[rules.HEADERS]["headers"]["customRequestHeaders"]
        assert set(replaced) == set(specs[rules.AUTH]["forwardAuth"]["authResponseHeaders"])
        # The gateway knows whose host it is, and only that.
        assert {name: value for name, value in replaced.items() if value} == {"X-Tenant-Slug": "alice"}

    def test_every_middleware_of_a_chain_is_there(self) -> None:
        specs = middlewares(300, allow_list=["192.0.2.0/24"])
        for authenticated in (True, False):
            for pages in (True, False):
                assert set(rules.chain("alice", authenticated=authenticated, pages=pages, allow_list=True)) <= set(
                    specs
                )

    def test_addresses_are_checked_before_anything_else(self) -> None:
        assert rules.chain("alice", authenticated=True, allow_list=True)[0] == rules.ALLOW_LIST
        assert rules.ALLOW_LIST not in middlewares(300)

    def test_limits_the_tenant_as_a_whole(self) -> None:
        limit = middlewares(60)["rate-limit-alice"]["rateLimit"]
        assert (limit["average"], limit["period"]) == (60, "1m")
        # A header that the gateway has set by then, not one of the client's.
        assert limit["sourceCriterion"] == {"requestHeaderName": "X-Tenant-Slug"}
        order = rules.chain("alice", authenticated=False)
        assert order.index(rules.HEADERS) < order.index("rate-limit-alice")

    def test_pages_have_a_budget_of_their_own(self) -> None:
        order = rules.chain("alice", authenticated=True, pages=True)
        assert "pages-limit-alice" in order
        assert "rate-limit-alice" not in order

    @given(st.integers(1, 10**6))
    def test_burst_lets_something_through(self, requests_per_minute: int) -> None:
        limit = middlewares(requests_per_minute)["rate-limit-alice"]["rateLimit"]
        assert 1 <= limit["burst"] <= requests_per_minute
        # What Traefik has forgotten after 2 s may be had again: no more than would have come back by then.
        assert limit["burst"] <= max(1, requests_per_minute / 60 * 2)


class TestPods:
    def test_meets_the_restricted_standard(self) -> None:
        of_pod = pod_security(1000)
        assert of_pod["runAsNonRoot"] is True
        assert of_pod["seccompProfile"] == of_pod["appArmorProfile"] == {"type": "RuntimeDefault"}
        assert CONTAINER_SECURITY["allowPrivilegeEscalation"] is False
        assert CONTAINER_SECURITY["capabilities"] == {"drop": ["ALL"]}
        assert CONTAINER_SECURITY["readOnlyRootFilesystem"] is True

    def test_service_ports_have_the_names_asked_for(self) -> None:
        assert service_ports(SELDON) == {"api": 18789, "dashboard": 18810}
        assert service_port_name(SELDON, "http") == "dashboard"
        assert port_number(SELDON, "http") == 18810

    def test_unknown_port_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(ValueError, match=r"no port 'metrics'; it has api, http"):
            port_number(SELDON, "metrics")

    def test_a_single_replica_doesnt_hold_up_a_drain(self) -> None:
        assert disruption_budget_spec(SELDON, identity())["maxUnavailable"] == 1


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_checksum_tells_contents_apart(one: dict[str, str], other: dict[str, str]) -> None:
    assert (checksum(one) == checksum(other)) == (one == other)


def test_checksum_doesnt_mind_the_order() -> None:
    assert checksum({"a": "1", "b": "2"}) == checksum({"b": "2", "a": "1"})
