"""No secret stands in clear where anyone may read it (FC-169)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policies.plain import Resource, items, texts
from policies.rules.pods import containers, pod_spec
from policies.rules.types import ResourceRule

_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("an Anthropic key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{8,}")),
    ("a Stripe key", re.compile(r"\b(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{8,}")),
    ("an API key of a tenant", re.compile(r"\bfc_(?:live|test)_[a-z0-9-]+_[0-9a-f]{32}\b")),
    ("a GitHub token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}")),
    ("a Discord bot token", re.compile(r"\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}")),
    ("a JSON Web Token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")),
    ("a password in a URL", re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@")),
)
_TELLING_NAME = re.compile(r"(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", re.IGNORECASE)

# What Kubernetes and PostgreSQL keep apart as secret themselves.
_HOLDS_SECRETS = frozenset({"kubernetes:core/v1:Secret", "postgresql:index/role:Role"})
_READABLE = ("kubernetes:", "foundation:")


def _in_clear(resource: Resource) -> Iterator[str]:
    for name, container in containers(pod_spec(resource) or {}):
        for variable in items(container, "env"):
            key = variable.get("name")
            if isinstance(key, str) and _TELLING_NAME.search(key) and variable.get("value"):
                yield f"container {name}: the variable {key} must come from a Secret (valueFrom.secretKeyRef)"
    if resource.type in _HOLDS_SECRETS or not resource.type.startswith(_READABLE):
        return
    for path, text in texts(resource.properties):
        for what, shape in _SHAPES:
            if shape.search(text):
                yield f"{path} holds what looks like {what}: put it into a Secret"


NONE_IN_CLEAR = ResourceRule(
    "no-secret-in-clear", "Secrets stand in Secrets, never in other objects or in a pod's variables.", _in_clear
)
