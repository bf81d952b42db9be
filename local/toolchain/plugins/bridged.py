"""What the stand-ins for bridged plugins (random, postgresql) have in common."""

from __future__ import annotations

from importlib.metadata import version
from typing import TypeVar

from provider.plugin import Plugin, PluginError, Resource

ConfigurationT = TypeVar("ConfigurationT")


class StandIn(Plugin[ConfigurationT]):
    """A plugin with the installed SDK's version, marked ``+standin``, for local environments only."""

    def __init__(self) -> None:
        self.version = f"{version(f'pulumi-{self.name}')}+standin"

    def allow(self, resource: Resource) -> None:
        if resource.stack != "local" and not resource.stack.startswith("local-"):
            raise PluginError(
                f"stack {resource.stack!r}: this is the stand-in for Pulumi's {self.name} plugin, made for local "
                "environments only (stack `local`, or one whose name begins with `local-`). Install the published "
                f"plugin to go on: `pulumi plugin install resource {self.name} {self.version.partition('+')[0]}`"
            )
