"""Objects that an update has made before it was killed, and that the next one takes over.

Names are unique within a project, so the next update can't make them anew. The published plugin fails there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from local.toolchain.plugins.hcloud.api import Answer
from provider.plugin import Properties

# What has these labels was made by this library, for this cluster.
MANAGED_BY = ("managed-by", "foundation")
CLUSTER = "cluster"


def adoptable(found: Answer, new: Properties) -> bool:
    """Whether an object of the same name is what an update meant to make: both say who made them, and for what."""
    return _owner(found["labels"]) is not None and _owner(found["labels"]) == _owner(new["labels"] or {})


def ours(labels: Mapping[str, str]) -> bool:
    """Whether an object, of which another is a part, was made by this library."""
    return _owner(labels) is not None


def _owner(labels: Mapping[str, str]) -> str | None:
    key, value = MANAGED_BY
    return labels.get(CLUSTER) if labels.get(key) == value else None


class Owned:
    """What this process knows of the objects of one type: what is in the state is never taken over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recorded: set[str] = set()
        self._taken: set[str] = set()

    def recorded(self, identity: str) -> None:
        """The object is in the state."""
        with self._lock:
            self._recorded.add(identity)

    def take_over(self, identity: str) -> bool:
        """Takes the object over, unless it is in the state: then it is what the new one replaces."""
        with self._lock:
            if identity in self._recorded:
                return False
            self._taken.add(identity)
            return True

    def taken_over(self, identity: str) -> bool:
        """Whether the object was taken over by this very update, so that removing the old one would remove the new."""
        return identity in self._taken
