"""Names for objects that the user gave none."""

from __future__ import annotations

import hashlib
import secrets

from local.toolchain.plugins.kubernetes.objects import (
    AUTONAMED,
    Object,
    annotate,
    from_properties,
    is_named,
    is_true,
    metadata,
    name_of,
)
from provider.plugin import Autonaming, PluginError, Properties

_RANDOM_DIGITS = 8


def complete(
    inputs: Object, old: Properties | None, resource_name: str, autonaming: Autonaming | None, seed: bytes
) -> None:
    """Names ``inputs`` if need be: as last time, as the user's autonaming settings say, else with random digits.

    Raises :class:`PluginError` when the settings ask for a name, and for ``generateName``, which apply can't do.
    """
    if is_named(inputs):
        return
    if metadata(inputs).get("generateName"):
        raise PluginError(
            "metadata.generateName isn't supported with server-side apply: set metadata.name, "
            "or neither for a name made from the resource's"
        )
    if old is not None:
        earlier = from_properties(old)
        if not is_true(earlier, AUTONAMED):
            return  # the user took the name away: the object is made anew
        name = name_of(earlier)
    elif autonaming is None:
        prefix = f"{resource_name}-"
        random = hashlib.sha512(seed + prefix.encode()).hexdigest() if seed else secrets.token_hex(_RANDOM_DIGITS)
        name = prefix + random[:_RANDOM_DIGITS]
    elif autonaming.proposed is None:
        raise PluginError("autonaming is disabled, resource requires the .metadata.name field to be set")
    else:
        name = autonaming.proposed
    inputs["metadata"]["name"] = name
    annotate(inputs, AUTONAMED, "true")
