"""Images are pinned: what was reviewed is what runs."""

from __future__ import annotations

from collections.abc import Iterator

from policies.plain import Resource
from policies.rules.pods import containers, pod_spec
from policies.rules.types import ResourceRule


def is_pinned(image: str) -> bool:
    """Whether ``image`` names a digest, or a tag that isn't ``latest``. A registry's port is no tag."""
    name, at, digest = image.partition("@")
    if at:
        return digest.startswith("sha256:") and len(digest) == len("sha256:") + 64
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag not in ("", "latest")


def _pinned(resource: Resource) -> Iterator[str]:
    for name, container in containers(pod_spec(resource) or {}):
        image = container.get("image")
        if isinstance(image, str) and not is_pinned(image):
            yield f"container {name}: image must have a digest or a tag other than latest"


PINNED = ResourceRule("images-are-pinned", "Images are named by a digest or a version's tag.", _pinned)
