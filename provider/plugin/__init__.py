"""A small framework for Pulumi provider plugins written in Python.

It speaks the raw ``pulumirpc.ResourceProvider`` protocol. The SDK's own experimental server can't return an
unknown output from a preview, has no ``Attach`` and hides the old inputs; plugins that must behave exactly as
published ones need all three.

A plugin is a :class:`Plugin` (its configuration and its resource types) served by :func:`serve`. Each resource
type is a :class:`ResourceType`; values are plain Python, with :data:`UNKNOWN` and :class:`Secret` marking what
the engine marks.
"""

from provider.plugin.server import serve
from provider.plugin.types import (
    Autonaming,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    InitFailed,
    InvalidInputs,
    Kind,
    Plugin,
    PluginError,
    Resource,
    ResourceType,
    State,
)
from provider.plugin.values import UNKNOWN, Properties, Secret, Value, contains_unknown, keep_secrets, reveal

__all__ = [
    "UNKNOWN",
    "Autonaming",
    "CheckFailure",
    "CheckResult",
    "Context",
    "Diff",
    "InitFailed",
    "InvalidInputs",
    "Kind",
    "Plugin",
    "PluginError",
    "Properties",
    "Resource",
    "ResourceType",
    "Secret",
    "State",
    "Value",
    "contains_unknown",
    "keep_secrets",
    "reveal",
    "serve",
]
