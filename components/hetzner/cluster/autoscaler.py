"""The cluster autoscaler: which pools grow, by what, and how it is told (FC-143)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from components.hetzner.cluster.addons import CREDENTIALS, ON_CONTROL_PLANE
from models.hetzner import Hetzner, Pool, names

CONFIG = "cluster-autoscaler-config"
CONFIG_KEY = "cluster.json"
CONFIG_FOLDER = "/config"
# As Helm's own guide to charts calls it.
CONFIG_HASH = "checksum/config"

# FC-143: a node goes when less than half of it has been used for 10 minutes.
SCALE_DOWN_SHARE = "0.5"
SCALE_DOWN_TIME = "10m"
# A server that k3s hasn't joined from after this long counts as failed; the autoscaler's own 5 minutes are too few
# when images are slow (hetzner-k3s#364, autoscaler#5757).
SERVER_MINUTES = "15"


def growing(pools: Mapping[str, Pool]) -> dict[str, Pool]:
    """Those with room beyond the servers that an update makes."""
    return {name: pool for name, pool in pools.items() if pool.autoscale and pool.autoscale.max > pool.count}


def values(settings: Hetzner) -> dict[str, Any]:
    """Of the chart ``cluster-autoscaler``, for the settings' pools that grow.

    A group has one server type, the pool's first candidate: unlike an update the autoscaler takes no other when it is
    sold out, but says so in its events.
    """
    pools = growing(settings.pools)
    public = str(any(pool.egress == "public" for pool in pools.values())).lower()
    key = min(settings.ssh_keys, default=None)
    return {
        "cloudProvider": "hetzner",
        "autoscalingGroups": [_group(settings.cluster, name, pool) for name, pool in pools.items()],
        "extraArgs": {
            "scale-down-utilization-threshold": SCALE_DOWN_SHARE,
            "scale-down-unneeded-time": SCALE_DOWN_TIME,
            # CoreDNS and the like run anywhere, and would hold a node for ever.
            "skip-nodes-with-system-pods": False,
        },
        "extraEnv": {
            "HCLOUD_CLUSTER_CONFIG_FILE": f"{CONFIG_FOLDER}/{CONFIG_KEY}",
            "HCLOUD_NETWORK": settings.cluster,
            "HCLOUD_FIREWALL": f"{settings.cluster}-nodes",
            "HCLOUD_SERVER_CREATION_TIMEOUT": SERVER_MINUTES,
            # For all groups alike: where one needs a way out of its own, the others have it too.
            "HCLOUD_PUBLIC_IPV4": public,
            "HCLOUD_PUBLIC_IPV6": public,
            **({} if key is None else {"HCLOUD_SSH_KEY": f"{settings.cluster}-{key}"}),
        },
        "extraEnvSecrets": {"HCLOUD_TOKEN": {"name": CREDENTIALS, "key": "token"}},
        "extraVolumeSecrets": {CONFIG: {"name": CONFIG, "mountPath": CONFIG_FOLDER}},
        **ON_CONTROL_PLANE,
    }


def reading(values: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """The chart's values for a configuration of that digest: the autoscaler reads the file only when it starts, so
    another file makes another pod."""
    return {**values, "podAnnotations": {CONFIG_HASH: digest}}


def digest(content: str) -> str:
    """Of a configuration; no secret, since nobody guesses the join token in it."""
    return hashlib.sha256(content.encode()).hexdigest()


def configuration(settings: Hetzner, user_data: Mapping[str, str]) -> str:
    """Content of the file that servers are ordered by (a secret: it holds the join token). ``user_data`` is by pool."""
    pools = growing(settings.pools)
    return json.dumps(
        {
            "imagesForArch": {"amd64": settings.image, "arm64": settings.image},
            "nodeConfigs": {
                names.node_group(settings.cluster, name): {
                    "cloudInit": user_data[name],
                    # What a node will have: so the autoscaler knows which pods it would help.
                    "labels": dict(pool.labels),
                    "taints": [_taint(taint) for taint in pool.taints],
                }
                for name, pool in pools.items()
            },
        }
    )


def _group(cluster: str, name: str, pool: Pool) -> dict[str, Any]:
    assert pool.autoscale is not None, "it grows"
    return {
        "name": names.node_group(cluster, name),
        "instanceType": pool.candidates[0].server_type,
        "region": pool.candidates[0].location,
        # The bounds are of the group alone, which the update's own servers aren't in.
        "minSize": pool.autoscale.min - pool.count,
        "maxSize": pool.autoscale.max - pool.count,
    }


def _taint(text: str) -> dict[str, str]:
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    return {"key": key, "value": value, "effect": effect}
