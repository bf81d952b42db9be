"""What makes a pod meet the Pod Security standard ``restricted`` (FC-164, FC-256, FC-311). No resources here."""

from __future__ import annotations

from typing import Final

from components.identity import Manifest

CONTAINER_SECURITY: Final[Manifest] = {
    "allowPrivilegeEscalation": False,
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""A container's ``securityContext``; more than the standard asks for, there is no file system to write to."""


def pod_security(user: int) -> Manifest:
    """A pod's ``securityContext``; its processes and files are ``user``'s."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
        "appArmorProfile": {"type": "RuntimeDefault"},
    }
