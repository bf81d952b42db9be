"""No secret stands in clear where anyone may read it (FC-169)."""

from __future__ import annotations

from collections.abc import Iterator

from models import cleartext
from policies.plain import Resource, items, texts
from policies.rules.pods import containers, pod_spec
from policies.rules.types import ResourceRule

# What Kubernetes and PostgreSQL keep apart as secret themselves, and what marks its inputs as secret always.
_HOLDS_SECRETS = frozenset(
    {
        "kubernetes:core/v1:Secret",
        "postgresql:index/role:Role",
        "foundation:pki:ClientCertificate",
        "foundation:kubernetes:ApiReady",
    }
)
_READABLE = ("kubernetes:", "foundation:")


def _in_clear(resource: Resource) -> Iterator[str]:
    for name, container in containers(pod_spec(resource) or {}):
        for variable in items(container, "env"):
            key = variable.get("name")
            if isinstance(key, str) and cleartext.names_secret(key) and variable.get("value"):
                yield f"container {name}: the variable {key} must come from a Secret (valueFrom.secretKeyRef)"
    if resource.type in _HOLDS_SECRETS or not resource.type.startswith(_READABLE):
        return
    for path, text in texts(resource.properties):
        if (what := cleartext.shape(text)) is not None:
            # A secret may stand in a key, and so in the path to it.
            where = path if cleartext.shape(path) is None else "a key"
            yield f"{where} holds what looks like {what}: put it into a Secret"


NONE_IN_CLEAR = ResourceRule(
    "no-secret-in-clear", "Secrets stand in Secrets, never in other objects or in a pod's variables.", _in_clear
)
