"""What a server's user data makes of it: the node that its k3s configuration describes."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from typing import Any

import yaml

CONFIG = "/etc/rancher/k3s/config.yaml"
FRAGMENTS = "/etc/rancher/k3s/config.yaml.d/"
HEADER = "#cloud-config"


@dataclass(frozen=True)
class NodeConfig:
    """A k3s node. ``taints`` are (key, value, effect)."""

    name: str
    labels: dict[str, str]
    taints: list[tuple[str, str, str]]


def node_config(user_data: str | None, hostname: str) -> NodeConfig | None:
    """The node that the cloud-config installs, or None where it installs no k3s.

    Read as k3s reads them: the main file, then the fragments in order; a key of a later file replaces an earlier
    one, and one that ends with ``+`` adds to it. Raises ``ValueError`` for what cloud-init would refuse too.
    """
    if not user_data or not user_data.startswith(HEADER):
        return None
    document = yaml.safe_load(user_data) or {}
    files = {file["path"]: _content(file) for file in document.get("write_files", [])}
    names = sorted((path for path in files if path.startswith(FRAGMENTS)), key=str)
    parts = [files[path] for path in ([CONFIG] if CONFIG in files else []) + names]
    if not parts:
        return None
    settings: dict[str, list[Any]] = {}
    for part in parts:
        for key, value in (yaml.safe_load(part) or {}).items():
            values = value if isinstance(value, list) else [value]
            name = key.removesuffix("+")
            settings[name] = settings.get(name, []) + values if key.endswith("+") else values
    name = settings.get("node-name", [document.get("hostname", hostname)])[-1]
    labels = dict(str(label).split("=", 1) for label in settings.get("node-label", []))
    return NodeConfig(str(name), labels, [_taint(str(taint)) for taint in settings.get("node-taint", [])])


def _taint(text: str) -> tuple[str, str, str]:
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    if not key or not effect:
        raise ValueError(f"node-taint {text!r} is not key=value:effect")
    return key, value, effect


def _content(file: dict[str, Any]) -> str:
    content, encoding = str(file.get("content", "")), str(file.get("encoding", "text/plain"))
    if encoding in ("b64", "base64"):
        return base64.b64decode(content).decode()
    if encoding in ("gz+b64", "gz+base64", "gzip+b64", "gzip+base64"):
        return gzip.decompress(base64.b64decode(content)).decode()
    return content
