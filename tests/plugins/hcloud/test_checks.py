"""Inputs, configuration and differences: what the stand-in says before it asks anything of the API."""

from __future__ import annotations

from typing import Any

import pytest

from local.toolchain.plugins.hcloud.plugin import TYPES
from provider.plugin import UNKNOWN, Properties, Secret
from tests.plugins.hcloud.cases import CASES
from tests.plugins.hcloud.world import LABELS, PUBLIC_KEY
from tests.plugins.rpc import Made, Plugin, Refused

SERVER = {"serverType": "cpx22", "image": "ubuntu-24.04", "location": "fsn1"}
RULE = {"direction": "in", "protocol": "tcp", "port": "443", "sourceIps": ["0.0.0.0/0"]}


@pytest.mark.parametrize(
    ("kind", "inputs", "places"),
    [
        ("Network", {}, ["ipRange"]),
        ("Network", {"ipRange": "10.0.0.0"}, ["ipRange"]),
        ("Network", {"ipRange": "10.0.0.0/8", "colour": "red"}, ["colour"]),
        ("Network", {"ipRange": "10.0.0.0/8", "labels": {"a": "b c"}}, ["labels"]),
        ("NetworkSubnet", {"networkId": "one", "type": "moon"}, ["ipRange", "networkId", "networkZone", "type"]),
        ("Firewall", {"rules": [{**RULE, "direction": "up"}]}, ["rules[0].direction"]),
        ("Firewall", {"rules": [RULE, {**RULE, "sourceIps": ["10.0.0.1/8"]}]}, ["rules[1].sourceIps"]),
        ("Firewall", {"rules": [{"direction": "in"}]}, ["rules[0].protocol"]),
        ("Server", {**SERVER, "datacenter": "fsn1-dc14"}, ["datacenter"]),
        ("Server", {**SERVER, "sshKeys": ["good", ""]}, ["sshKeys"]),
        ("Server", {**SERVER, "networks": [{"ip": "10.0.0.2"}]}, ["networks[0]"]),
        ("Server", {**SERVER, "networks": [{"networkId": 5}, {"subnetId": "5-10.0.1.0/24"}]}, ["networks[1]"]),
        ("ServerNetwork", {"serverId": 1}, ["networkId"]),
        ("ServerNetwork", {"serverId": 1, "networkId": 1, "subnetId": "1-10.0.1.0/24"}, ["networkId"]),
        ("PrimaryIp", {"type": "ipv4"}, ["location"]),
        ("PrimaryIp", {"type": "ipv4", "location": "fsn1", "assigneeId": 5, "assigneeType": "server"}, ["location"]),
        ("PrimaryIp", {"type": "ipv4", "assigneeId": 5}, ["assigneeId"]),
        ("LoadBalancer", {"loadBalancerType": "lb11", "algorithm": {"type": "random"}}, ["algorithm.type"]),
        (
            "LoadBalancerService",
            {"loadBalancerId": "1", "protocol": "http", "http": {"timeoutIdle": 1}},
            ["http.timeoutIdle"],
        ),
        ("LoadBalancerTarget", {"type": "server", "loadBalancerId": 1}, ["serverId"]),
        ("LoadBalancerTarget", {"type": "ip", "loadBalancerId": 1, "ip": "1.2.3.4", "usePrivateIp": True}, ["ip"]),
        ("Zone", {"mode": "secondary"}, ["primaryNameservers"]),
        ("ZoneRrset", {"zone": "example.com", "type": "A", "records": []}, ["records"]),
    ],
)
def test_wrong_inputs_are_named(running: Plugin, kind: str, inputs: Properties, places: list[str]) -> None:
    assert sorted(running.check(kind, inputs).failures) == places


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_unknown_inputs_are_no_mistake(running: Plugin, kind: str) -> None:
    given = [name for name, attribute in TYPES[kind].attributes.items() if attribute.required]
    chosen = {"PrimaryIp": ["location"], "ServerNetwork": ["subnetId"], "LoadBalancerNetwork": ["networkId"]}
    unknown = dict.fromkeys([*given, *chosen.get(kind, [])], UNKNOWN)
    unknown |= {"serverId": UNKNOWN} if kind == "LoadBalancerTarget" else {}
    assert running.check(kind, unknown).failures == {}
    # A preview needs neither configuration nor API.
    assert running.preview(kind, unknown)["id"] is UNKNOWN


@pytest.mark.parametrize(
    ("settings", "places"),
    [
        ({"token": Secret("x")}, ["token"]),
        ({"pollFunction": "linear", "pollInterval": "often"}, ["pollFunction", "pollInterval"]),
        ({"colour": "red"}, ["colour"]),
        ({"token": UNKNOWN, "endpoint": UNKNOWN}, []),
        ({"token": Secret("x" * 64), "pollInterval": "1m30s", "pollFunction": "constant"}, []),
    ],
)
def test_wrong_configuration_is_named(running: Plugin, settings: Properties, places: list[str]) -> None:
    assert sorted(running.check_config(settings).failures) == places


def test_a_token_is_needed(running: Plugin) -> None:
    with pytest.raises(Refused, match="token: missing"):
        running.configure({"endpoint": "http://127.0.0.1:1/v1"})


def test_other_types_and_stacks_are_refused_by_name(running: Plugin) -> None:
    with pytest.raises(Refused, match=r"no resource type 'hcloud:index/storageBox:StorageBox'; it has: .*Server, "):
        running.check("StorageBox", {})
    for stack in ("staging", "prod", "localhost"):
        with pytest.raises(Refused, match=f"stack '{stack}': this is the stand-in"):
            running.on(stack).check("Network", {"ipRange": "10.0.0.0/8"})
    assert not running.on("local-other").check("Network", {"ipRange": "10.0.0.0/8"}).failures


def test_a_name_is_made_once_and_kept(running: Plugin) -> None:
    first = running.check("PlacementGroup", {"type": "spread"}).inputs
    assert first["name"].startswith("it-")
    assert first["__defaults"] == ["name"]
    assert running.check("PlacementGroup", {"type": "spread"}, first).inputs["name"] == first["name"]


def recorded(**outputs: Any) -> Made:
    return Made("1", {"__defaults": []}, outputs)


@pytest.mark.parametrize(
    ("kind", "before", "after", "replaced"),
    [
        ("Server", SERVER, {"serverType": "cpx32"}, set()),
        ("Server", SERVER, {"image": "debian-12"}, {"image"}),
        ("Server", SERVER, {"location": "nbg1"}, {"location"}),
        ("Server", {**SERVER, "sshKeys": ["a"]}, {"sshKeys": ["b"]}, {"sshKeys"}),
        ("Server", SERVER, {"userData": "#cloud-config"}, {"userData"}),
        ("SshKey", {"publicKey": PUBLIC_KEY}, {"publicKey": f"{PUBLIC_KEY}2"}, {"publicKey"}),
        ("LoadBalancer", {"loadBalancerType": "lb11", "location": "fsn1"}, {"location": "nbg1"}, {"location"}),
        ("LoadBalancer", {"loadBalancerType": "lb11"}, {"loadBalancerType": "lb21"}, set()),
        ("Volume", {"size": 10, "location": "fsn1"}, {"size": 20}, set()),
        ("Zone", {"mode": "primary", "name": "example.com"}, {"name": "example.org"}, {"name"}),
    ],
)
def test_what_makes_it_anew(
    running: Plugin, kind: str, before: Properties, after: Properties, replaced: set[str]
) -> None:
    known = {"name": "one", **before}
    difference = running.diff(kind, recorded(**known), {**known, **after})
    assert difference.replaced == replaced
    assert difference.changed >= set(after)
    # The name is free for the new one only once the old one is gone. (Not so with SSH keys and zones: as published.)
    assert difference.deletes_first == (bool(replaced) and kind not in ("SshKey", "Zone"))


def test_user_data_is_compared_by_its_hash_and_stays_secret(running: Plugin) -> None:
    inputs = {"name": "one", **SERVER, "userData": Secret("#cloud-config\n")}
    previewed = running.preview("Server", inputs)
    assert previewed["userData"] == Secret("wK9leoEi2xH7hUH5D+q3hxwsPXE=")
    made = recorded(**{name: value for name, value in previewed.items() if value is not UNKNOWN})
    assert not running.diff("Server", made, inputs).changed
    assert running.diff("Server", made, {**inputs, "userData": Secret("#!/bin/sh")}).replaced == {"userData"}


def test_labels_are_those_that_hetzner_takes(running: Plugin) -> None:
    for good in ({}, LABELS, {"example.com/role": ""}, {"a": "x" * 63}):
        assert not running.check("PlacementGroup", {"type": "spread", "labels": good}).failures
    for bad in ({"": "a"}, {"-a": "b"}, {"a": "x" * 64}, {"a" * 64: "b"}, {"a/b/c": "d"}, {"a": "ä"}):
        assert "labels" in running.check("PlacementGroup", {"type": "spread", "labels": bad}).failures


def test_every_type_is_compared_with_the_published_plugin() -> None:
    assert {case.kind for case in CASES} == set(TYPES)
