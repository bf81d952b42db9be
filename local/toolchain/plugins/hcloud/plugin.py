"""The plugin: its configuration and its resource types."""

from __future__ import annotations

import logging
import os
from datetime import timedelta

import durationpy
from hcloud import Client

from local.toolchain.plugins.bridged import StandIn
from local.toolchain.plugins.hcloud.api import Api
from local.toolchain.plugins.hcloud.firewall import Firewall, FirewallAttachment
from local.toolchain.plugins.hcloud.load_balancer import LoadBalancer
from local.toolchain.plugins.hcloud.load_balancer_parts import LoadBalancerService, LoadBalancerTarget
from local.toolchain.plugins.hcloud.network import Network, NetworkRoute, NetworkSubnet
from local.toolchain.plugins.hcloud.primary_ip import PrimaryIp
from local.toolchain.plugins.hcloud.private_network import LoadBalancerNetwork, ServerNetwork
from local.toolchain.plugins.hcloud.server import Server
from local.toolchain.plugins.hcloud.simple import PlacementGroup, SshKey
from local.toolchain.plugins.hcloud.volume import Volume, VolumeAttachment
from local.toolchain.plugins.hcloud.zone import Zone, ZoneRrset
from provider.plugin import UNKNOWN, CheckFailure, CheckResult, InvalidInputs, Properties, reveal

TYPES = {
    "Firewall": Firewall(),
    "FirewallAttachment": FirewallAttachment(),
    "LoadBalancer": LoadBalancer(),
    "LoadBalancerNetwork": LoadBalancerNetwork(),
    "LoadBalancerService": LoadBalancerService(),
    "LoadBalancerTarget": LoadBalancerTarget(),
    "Network": Network(),
    "NetworkRoute": NetworkRoute(),
    "NetworkSubnet": NetworkSubnet(),
    "PlacementGroup": PlacementGroup(),
    "PrimaryIp": PrimaryIp(),
    "Server": Server(),
    "ServerNetwork": ServerNetwork(),
    "SshKey": SshKey(),
    "Volume": Volume(),
    "VolumeAttachment": VolumeAttachment(),
    "Zone": Zone(),
    "ZoneRrset": ZoneRrset(),
}
SETTINGS = ("token", "endpoint", "endpointHetzner", "pollInterval", "pollFunction")
OF_THE_ENGINE = ("version", "pluginDownloadURL", "__internal", "__defaults")
FUNCTIONS = ("constant", "exponential")
# The published plugin's own.
TOKEN_LENGTH = 64
POLL_INTERVAL = timedelta(milliseconds=500)
LONGEST_INTERVAL = timedelta(minutes=1)
# Hetzner's own; a request that gets no answer for so long is sent again by the client.
ENDPOINT = "https://api.hetzner.cloud/v1"
REQUEST_SECONDS = 60.0
# What a plugin writes is shown to the user: that more connections are in use than are kept is nothing to tell.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


class HcloudPlugin(StandIn[Api]):
    """Stands in for the pulumi-hcloud plugin that belongs to the installed SDK."""

    name = "hcloud"
    types = {f"hcloud:index/{name[0].lower()}{name[1:]}:{name}": kind for name, kind in TYPES.items()}

    def check_config(self, old: Properties | None, new: Properties) -> CheckResult:
        failures = []
        for key, value in reveal(new).items():
            if value is UNKNOWN or key in OF_THE_ENGINE:
                continue
            reason = _fault(key, value) if key in SETTINGS else "Invalid or unknown key"
            if reason:
                failures.append(CheckFailure(key, reason))
        return CheckResult(new, failures)

    def configure(self, inputs: Properties) -> Api:
        failures = self.check_config(None, inputs).failures
        if failures:
            raise InvalidInputs("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
        known = {key: value for key, value in reveal(inputs).items() if value not in (None, "")}
        token = known.get("token") or os.environ.get("HCLOUD_TOKEN")
        if not token:
            raise InvalidInputs("token: missing: set hcloud:token or HCLOUD_TOKEN to a token of the Hetzner Cloud API")
        client = Client(
            token=token,
            api_endpoint=known.get("endpoint") or os.environ.get("HCLOUD_ENDPOINT") or ENDPOINT,
            application_name="foundation",
            application_version=self.version,
            timeout=REQUEST_SECONDS,
        )
        given = known.get("pollInterval")
        first = (durationpy.from_str(given) if given else POLL_INTERVAL).total_seconds()
        if known.get("pollFunction") == "constant":
            return Api(client, lambda _: first)
        return Api(client, lambda count: min(first * 2**count, LONGEST_INTERVAL.total_seconds()))


def _fault(key: str, value: object) -> str | None:
    text = str(value)
    if key == "token" and len(text) != TOKEN_LENGTH:
        return f"must be exactly {TOKEN_LENGTH} characters long, got {len(text)}"
    if key == "pollFunction" and text not in FUNCTIONS:
        return f"must be one of {', '.join(FUNCTIONS)}, got {text}"
    if key == "pollInterval":
        try:
            durationpy.from_str(text)
        except durationpy.DurationError:
            return f"must be a duration such as 500ms or 2s, got {text}"
    return None
