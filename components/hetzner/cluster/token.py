"""Join tokens of k3s in their full form, by which a node checks the cluster before it says its password."""

from __future__ import annotations

import hashlib

# docs.k3s.io, "k3s token": K10<hash of the server's authority>::<user>:<password>.
PREFIX = "K10"


def authority_hash(certificate_pem: str) -> str:
    """What k3s calls the CA hash of one self-signed authority: SHA-256 of its file as it lies on the servers."""
    return hashlib.sha256(certificate_pem.encode()).hexdigest()


def server_token(certificate_pem: str, password: str) -> str:
    """Admits control-plane servers, and opens everything that the cluster stores."""
    return f"{PREFIX}{authority_hash(certificate_pem)}::server:{password}"


def agent_token(certificate_pem: str, password: str) -> str:
    """Admits agents, and nothing more."""
    return f"{PREFIX}{authority_hash(certificate_pem)}::node:{password}"
