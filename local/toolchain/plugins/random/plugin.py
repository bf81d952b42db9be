"""The plugin: its resource types. It has no configuration."""

from __future__ import annotations

from local.toolchain.plugins.bridged import StandIn
from local.toolchain.plugins.random.binary import RandomBytes, RandomId, RandomUuid
from local.toolchain.plugins.random.strings import RandomPassword, RandomString
from provider.plugin import Properties


class RandomPlugin(StandIn[Properties]):
    """Stands in for the pulumi-random plugin that belongs to the installed SDK."""

    name = "random"
    types = {
        f"random:index/random{kind}:Random{kind}": resource
        for kind, resource in {
            "Bytes": RandomBytes(),
            "Id": RandomId(),
            "Password": RandomPassword(),
            "String": RandomString(),
            "Uuid": RandomUuid(),
        }.items()
    }

    def configure(self, inputs: Properties) -> Properties:
        return inputs
