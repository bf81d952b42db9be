"""Kubeconfigs from what the graph holds: nothing is fetched from a server for them."""

from __future__ import annotations

import base64

import yaml


def kubeconfig(*, cluster: str, server: str, authority_pem: str, certificate_pem: str, private_key_pem: str) -> str:
    """A kubeconfig with one context, named as the cluster is.

    Args:
        cluster: name of cluster, user and context.
        server: URL of the API, such as https://api.example.com:6443.
        authority_pem: who signs the API's certificates.
        certificate_pem: the user's certificate.
        private_key_pem: its key.
    """
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": cluster, "cluster": {"server": server, "certificate-authority-data": _base64(authority_pem)}}
            ],
            "users": [
                {
                    "name": cluster,
                    "user": {
                        "client-certificate-data": _base64(certificate_pem),
                        "client-key-data": _base64(private_key_pem),
                    },
                }
            ],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "current-context": cluster,
        },
        sort_keys=False,
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
