"""Resources of every type, and changes to them: what the stand-in and the published plugin are put through alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from provider.plugin import UNKNOWN, Properties, Secret
from tests.plugins.hcloud.world import LABELS, PUBLIC_KEY, World

OTHER = {"managed-by": "foundation", "cluster": "demo", "pool": "infra"}


@dataclass(frozen=True)
class Case:
    """One resource. ``plans`` are inputs that it is only compared with, ``changes`` are made and taken back,
    ``wrong`` are refused; each says what differs from ``inputs``, None what is left out. ``back`` is what taking a
    change back needs to say. ``drift`` are requests past the plugin: method, path with the id in it, body."""

    kind: str
    name: str
    inputs: Callable[[World], Properties]
    plans: Sequence[Properties] = ()
    changes: Sequence[Properties] = ()
    back: Properties = field(default_factory=dict)
    wrong: Sequence[Properties] = ()
    imported: Callable[[World], str] | None = None
    drift: Sequence[tuple[str, str, Properties]] = ()


def merged(inputs: Properties, change: Properties) -> Properties:
    """The inputs after a change."""
    return {name: value for name, value in {**inputs, **change}.items() if value is not None}


RULES = [
    {
        "direction": "in",
        "protocol": "tcp",
        "port": "22",
        "sourceIps": ["10.0.0.0/8", "1.2.3.4/32"],
        "description": "ssh",
    },
    {"direction": "in", "protocol": "icmp", "sourceIps": ["0.0.0.0/0", "::/0"]},
]
ALONE = {"direction": "in", "protocol": "tcp", "port": "22", "sourceIps": ["1.2.3.4", "2001:DB8::1"]}
HEALTH = {"protocol": "tcp", "port": 30080, "interval": 10, "timeout": 5, "retries": 3}
WEB = {**HEALTH, "protocol": "http", "http": {"path": "/healthz", "tls": False, "statusCodes": ["2??", "3??"]}}
SERVER = {
    "serverType": "cpx22",
    "image": "ubuntu-24.04",
    "location": "fsn1",
    "keepDisk": True,
    "labels": LABELS,
    "sshKeys": ["key"],
}

CASES = [
    Case(
        "Network",
        "net",
        lambda world: {"name": "net", "ipRange": "10.0.0.0/16", "labels": LABELS},
        plans=[
            {"ipRange": "10.1.0.0/16"},
            {"name": None},
            {"name": UNKNOWN},
            {"ipRange": UNKNOWN},
            {"labels": UNKNOWN},
        ],
        changes=[
            {"name": "other", "labels": OTHER},
            {"labels": None},
            {"deleteProtection": True, "exposeRoutesToVswitch": True},
        ],
        wrong=[
            {"ipRange": None},
            {"ipRange": "10.0.0/16"},
            {"deleteProtection": "maybe"},
            {"labels": {"a b": "c"}},
            {"labels": {"a": "b c"}},
            {"labels": {"a": "x" * 64}},
            {"unheard": 1},
        ],
        drift=[
            ("PUT", "/networks/{}", {"name": "by-hand", "labels": {"by": "hand"}}),
            ("PUT", "/networks/{}", {"name": "net"}),
        ],
    ),
    Case(
        "NetworkSubnet",
        "subnet",
        lambda world: {
            "networkId": world.number("net"),
            "type": "cloud",
            "networkZone": "eu-central",
            "ipRange": "10.0.1.0/24",
        },
        plans=[{"ipRange": "10.0.2.0/24"}, {"networkZone": "us-east"}, {"networkId": UNKNOWN}, {"type": "server"}],
        wrong=[{"type": "other"}, {"networkZone": None}, {"networkId": None}],
    ),
    Case(
        "NetworkRoute",
        "route",
        lambda world: {"networkId": world.number("net"), "destination": "0.0.0.0/0", "gateway": "10.0.1.2"},
        plans=[{"gateway": "10.0.1.3"}, {"destination": "10.9.0.0/16"}],
        wrong=[{"gateway": None}],
    ),
    Case(
        "SshKey",
        "key",
        lambda world: {"name": "key", "publicKey": PUBLIC_KEY, "labels": LABELS},
        plans=[{"publicKey": f"{PUBLIC_KEY}2"}, {"publicKey": UNKNOWN}, {"labels": UNKNOWN}],
        changes=[{"name": "other", "labels": OTHER}, {"labels": None}],
        wrong=[{"publicKey": None}, {"labels": {"a b": "c"}}],
        drift=[
            ("PUT", "/ssh_keys/{}", {"name": "by-hand", "labels": {}}),
            ("PUT", "/ssh_keys/{}", {"name": "key"}),
        ],
    ),
    Case(
        "PlacementGroup",
        "spread",
        lambda world: {"name": "spread", "type": "spread", "labels": LABELS},
        changes=[{"name": "other", "labels": OTHER}, {"labels": None}],
        wrong=[{"type": "heap"}, {"type": None}],
    ),
    Case(
        "Firewall",
        "wall",
        lambda world: {"name": "wall", "labels": LABELS, "rules": RULES},
        plans=[
            {"rules": [RULES[1], RULES[0]]},
            {"rules": []},
            {"rules": [{**RULES[0], "port": UNKNOWN}]},
            {"rules": [{**RULES[0], "sourceIps": [UNKNOWN]}]},
            {"labels": None},
            {"name": UNKNOWN},
        ],
        changes=[
            {"name": "other", "labels": OTHER, "rules": [ALONE]},
        ],
        wrong=[
            {"rules": [{**RULES[0], "direction": "up"}]},
            {"rules": [{**RULES[0], "protocol": "http"}]},
            {"rules": [{**RULES[0], "protocol": None}]},
            {"rules": [{**RULES[0], "sourceIps": ["10.0.0.1/8"]}]},
            {"rules": [{**RULES[0], "sourceIps": ["anywhere"]}]},
        ],
    ),
    Case(
        "Firewall",
        "other wall",
        lambda world: {"name": "other-wall", "applyTos": [{"labelSelector": "role=web"}]},
        plans=[{"applyTos": None}, {"applyTos": [{"labelSelector": UNKNOWN}]}, {"rules": RULES}],
        changes=[{"applyTos": [{"labelSelector": "role=db"}], "rules": [ALONE]}],
        drift=[
            (
                "POST",
                "/firewalls/{}/actions/set_rules",
                {"rules": [{"direction": "in", "protocol": "esp", "source_ips": ["::/0"]}]},
            ),
        ],
    ),
    Case(
        "PrimaryIp",
        "address",
        lambda world: {"name": "address", "type": "ipv4", "location": "fsn1", "labels": LABELS},
        plans=[{"location": "nbg1"}, {"type": "ipv6"}, {"location": None, "assigneeId": 5, "assigneeType": "server"}],
        changes=[{"name": "other", "labels": OTHER, "autoDelete": True}, {"labels": None}, {"deleteProtection": True}],
        wrong=[
            {"location": None},
            {"assigneeId": 3},
            {"location": None, "assigneeId": 3},
            {"datacenter": "fsn1-dc14"},
            {"type": None},
        ],
    ),
    Case(
        "PrimaryIp",
        "address6",
        lambda world: {"name": "address6", "type": "ipv6", "location": "fsn1"},
        drift=[
            ("PUT", "/primary_ips/{}", {"labels": {"by": "hand"}, "auto_delete": True}),
        ],
    ),
    Case(
        "Server",
        "server",
        lambda world: {
            **SERVER,
            "name": "server",
            "userData": "#cloud-config\n",
            "firewallIds": [world.number("wall")],
            "placementGroupId": world.number("spread"),
            "publicNets": [{"ipv4": world.number("address"), "ipv4Enabled": True, "ipv6Enabled": True}],
        },
        plans=[
            {"image": "debian-12"},
            {"location": "nbg1"},
            {"userData": "#cloud-config\npackages: []\n"},
            {"userData": None},
            {"userData": UNKNOWN},
            {"userData": Secret("#cloud-config\n")},
            {"sshKeys": []},
            {"sshKeys": None},
            {"image": None},
            {"location": None},
            {"image": UNKNOWN},
            {"serverType": UNKNOWN},
            {"firewallIds": [UNKNOWN]},
            {"firewallIds": None},
            {"placementGroupId": UNKNOWN},
            {"placementGroupId": None},
            {"publicNets": [{"ipv4": UNKNOWN, "ipv4Enabled": True, "ipv6Enabled": True}]},
            {"publicNets": None},
            {"keepDisk": None},
            {"rescue": "linux64"},
        ],
        changes=[
            {"name": "other", "labels": OTHER},
            {"labels": None},
            {"keepDisk": False, "shutdownBeforeDeletion": True},
            {"serverType": "cpx32"},
            {"firewallIds": []},
            {"backups": True},
            {"deleteProtection": True, "rebuildProtection": True},
            {"publicNets": [{"ipv4Enabled": True, "ipv6Enabled": False}]},
            {"publicNets": [{"ipv4Enabled": False, "ipv6Enabled": True}]},
            {"rescue": "linux64"},
        ],
        wrong=[
            {"serverType": None},
            {"datacenter": "fsn1-dc14"},
            {"image": ""},
            {"sshKeys": [""]},
            {"labels": {"a b": "c"}},
            {"firewallIds": ["x"]},
        ],
    ),
    Case(
        "Server",
        "plain",
        lambda world: {"name": "plain", "serverType": "cpx22", "image": "ubuntu-24.04"},
        plans=[{"location": "fsn1"}, {"location": "nbg1"}, {"firewallIds": [1]}],
        drift=[
            ("PUT", "/servers/{}", {"labels": {"by": "hand"}}),
            ("POST", "/servers/{}/actions/enable_backup", {}),
        ],
    ),
    Case(
        "Server",
        "inner",
        lambda world: {
            "name": "inner",
            "serverType": "cpx22",
            "image": "ubuntu-24.04",
            "publicNets": [{"ipv4Enabled": False, "ipv6Enabled": False}],
            "networks": [{"networkId": world.number("net"), "ip": "10.0.1.77"}],
        },
    ),
    Case(
        "ServerNetwork",
        "interface",
        lambda world: {"serverId": world.number("plain"), "subnetId": world.text("subnet"), "ip": "10.0.1.5"},
        plans=[{"ip": "10.0.1.6"}, {"ip": None}, {"subnetId": None, "networkId": 5}, {"serverId": UNKNOWN}],
        changes=[{"aliasIps": ["10.0.1.9", "10.0.1.10"]}],
        wrong=[
            {"subnetId": None},
            {"networkId": 5},
            {"serverId": None},
            {"ip": "10.0.1"},
            {"aliasIps": ["10.0.1"]},
        ],
    ),
    Case(
        "LoadBalancer",
        "balancer",
        lambda world: {"name": "balancer", "loadBalancerType": "lb11", "location": "fsn1", "labels": LABELS},
        plans=[
            {"location": "nbg1"},
            {"location": None, "networkZone": "eu-central"},
            {"labels": None},
            {"algorithm": {"type": UNKNOWN}},
            {"location": UNKNOWN},
        ],
        changes=[
            {"name": "other", "labels": OTHER, "loadBalancerType": "lb21", "algorithm": {"type": "least_connections"}},
            {"deleteProtection": True},
        ],
        wrong=[{"loadBalancerType": None}, {"algorithm": {"type": "random"}}, {"labels": {"a b": "c"}}],
        drift=[
            ("POST", "/load_balancers/{}/actions/change_algorithm", {"type": "least_connections"}),
            ("POST", "/load_balancers/{}/actions/change_type", {"load_balancer_type": "lb21"}),
            ("PUT", "/load_balancers/{}", {"labels": {}}),
        ],
    ),
    Case(
        "LoadBalancerNetwork",
        "inside",
        lambda world: {
            "loadBalancerId": world.number("balancer"),
            "subnetId": world.text("subnet"),
            "ip": "10.0.1.200",
        },
        plans=[{"ip": None}, {"ip": "10.0.1.201"}],
        changes=[{"enablePublicInterface": False}],
        wrong=[{"subnetId": None}, {"networkId": 5}, {"ip": "x"}],
    ),
    Case(
        "LoadBalancerService",
        "tcp",
        lambda world: {
            "loadBalancerId": world.text("balancer"),
            "protocol": "tcp",
            "listenPort": 80,
            "destinationPort": 30080,
            "proxyprotocol": True,
            "healthCheck": HEALTH,
        },
        plans=[
            {"listenPort": 81},
            {"proxyprotocol": None},
            {"healthCheck": None},
            {"protocol": "http"},
            {"loadBalancerId": UNKNOWN},
            {"destinationPort": UNKNOWN},
        ],
        changes=[{"destinationPort": 30081, "proxyprotocol": False}, {"healthCheck": {**HEALTH, "retries": 4}}],
        wrong=[{"protocol": "udp"}, {"protocol": None}, {"healthCheck": {**HEALTH, "port": None}}],
    ),
    Case(
        "LoadBalancerService",
        "http",
        lambda world: {
            "loadBalancerId": world.text("balancer"),
            "protocol": "http",
            "listenPort": 8080,
            "destinationPort": 30090,
            "http": {"stickySessions": True, "timeoutIdle": 60},
            "healthCheck": WEB,
        },
        plans=[{"http": None}, {"healthCheck": {**WEB, "http": {"path": UNKNOWN}}}],
        changes=[{"http": {"stickySessions": False, "cookieName": "biscuit", "cookieLifetime": 60}}],
        wrong=[{"http": {"timeoutIdle": 1}}],
    ),
    Case(
        "LoadBalancerTarget",
        "target",
        lambda world: {
            "type": "server",
            "loadBalancerId": world.number("balancer"),
            "serverId": world.number("plain"),
            "usePrivateIp": True,
        },
        plans=[{"usePrivateIp": None}, {"serverId": UNKNOWN}, {"serverId": 5}],
        changes=[{"usePrivateIp": False}],
        wrong=[{"serverId": None}, {"labelSelector": "a=b"}, {"type": "robot"}, {"ip": "1.2.3.4", "serverId": None}],
        imported=lambda world: f"{world.number('balancer')}__server__{world.number('plain')}",
    ),
    Case(
        "LoadBalancerTarget",
        "selected",
        lambda world: {
            "type": "label_selector",
            "loadBalancerId": world.number("balancer"),
            "labelSelector": "role=web",
        },
        plans=[{"labelSelector": "role=db"}],
        imported=lambda world: f"{world.number('balancer')}__label_selector__role=web",
    ),
    Case(
        "Volume",
        "volume",
        lambda world: {"name": "volume", "size": 10, "location": "fsn1", "format": "ext4", "labels": LABELS},
        plans=[{"location": "nbg1"}, {"format": "xfs"}, {"automount": True}, {"size": 20}, {"serverId": UNKNOWN}],
        changes=[{"name": "other", "labels": OTHER}, {"deleteProtection": True}],
        wrong=[{"size": None}, {"size": "much"}, {"labels": {"a b": "c"}}],
        drift=[
            ("POST", "/volumes/{}/actions/resize", {"size": 30}),
        ],
    ),
    Case(
        "VolumeAttachment",
        "attached",
        lambda world: {"volumeId": world.number("volume"), "serverId": world.number("plain"), "automount": False},
        plans=[{"automount": True}, {"serverId": 5}, {"serverId": UNKNOWN}],
        wrong=[{"serverId": None}],
    ),
    Case(
        "FirewallAttachment",
        "applied",
        lambda world: {"firewallId": world.number("wall"), "serverIds": [world.number("server")]},
        plans=[{"firewallId": 5}],
        changes=[{"labelSelectors": ["role=web", "role=db"]}],
        wrong=[{"firewallId": None}],
    ),
    Case(
        "Zone",
        "zone",
        lambda world: {"name": "example.com", "mode": "primary", "labels": LABELS, "ttl": 300},
        plans=[{"name": "example.org"}, {"ttl": None}, {"ttl": UNKNOWN}],
        changes=[
            {"ttl": 400, "labels": OTHER},
            {"labels": None},
            {"deleteProtection": True},
        ],
        back={"deleteProtection": False},
        wrong=[
            {"mode": None},
            {"mode": "secondary"},
            {"primaryNameservers": [{"address": "1.2.3.4"}]},
        ],
        drift=[
            ("POST", "/zones/{}/actions/change_ttl", {"ttl": 600}),
        ],
    ),
    Case(
        "ZoneRrset",
        "records",
        lambda world: {
            "zone": world.text("zone"),
            "name": "api",
            "type": "A",
            "ttl": 60,
            "records": [{"value": "1.2.3.4"}, {"value": "1.1.1.1", "comment": "first"}],
            "labels": LABELS,
        },
        plans=[
            {"zone": "example.com"},
            {"type": "AAAA"},
            {"records": [{"value": "1.1.1.1", "comment": "first"}, {"value": "1.2.3.4"}]},
            {"records": [{"value": UNKNOWN}]},
            {"records": UNKNOWN},
        ],
        changes=[
            {"ttl": None, "labels": None, "records": [{"value": "9.9.9.9"}]},
            {"changeProtection": True},
        ],
        back={"changeProtection": False},
        wrong=[{"records": []}, {"records": None}, {"zone": None}],
        imported=lambda world: "example.com/api/A",
        drift=[
            ("POST", "/zones/example.com/rrsets/{}/actions/set_records", {"records": [{"value": "8.8.8.8"}]}),
            ("PUT", "/zones/example.com/rrsets/{}", {"labels": {"by": "hand"}}),
        ],
    ),
]
