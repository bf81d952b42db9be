"""Kubeconfigs: given as text, as a path, or found where kubectl finds them."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from provider.plugin import PluginError

Kubeconfig = dict[str, Any]


class KubeconfigError(PluginError):
    """A kubeconfig can't be used; says why."""


@dataclass(frozen=True)
class Choice:
    """A kubeconfig and what overrides its own choices: all three None or empty by default."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""


def parse(path_or_contents: str) -> Kubeconfig:
    """A kubeconfig from its contents (YAML or JSON) or its path. Raises ``KubeconfigError``."""
    try:
        path = Path(path_or_contents).expanduser()
        is_file = path.is_file()
    except (OSError, ValueError, RuntimeError):  # the contents, as a name too long or impossible
        is_file = False
    try:
        document = yaml.safe_load(path.read_text() if is_file else path_or_contents)
    except (OSError, yaml.YAMLError) as error:
        # The parser quotes the line at fault, which may hold a key.
        raise KubeconfigError(f"the kubeconfig can't be read: {type(error).__name__}") from None
    if not isinstance(document, dict):
        raise KubeconfigError("the kubeconfig is neither the path of a file nor a document with clusters and contexts")
    if is_file:
        _make_absolute(document, path.resolve().parent)
    return document


def ambient() -> Kubeconfig:
    """The kubeconfig of ``$KUBECONFIG`` (several files are merged), else of ``~/.kube/config``."""
    merged: Kubeconfig = {}
    for name in os.environ.get("KUBECONFIG", "~/.kube/config").split(os.pathsep):
        if not name or not Path(name).expanduser().is_file():
            continue
        document = parse(name)
        if not merged.get("current-context"):
            merged["current-context"] = document.get("current-context")
        for section in ("clusters", "contexts", "users"):
            taken = {entry.get("name") for entry in merged.setdefault(section, [])}
            merged[section] += [entry for entry in document.get(section) or [] if entry.get("name") not in taken]
    return merged


def chosen(choice: Choice) -> Kubeconfig:
    """The kubeconfig of ``choice`` with its overrides written in. Raises ``KubeconfigError``."""
    document = parse(choice.kubeconfig) if choice.kubeconfig else ambient()
    context = choice.context or document.get("current-context") or ""
    entry = _entry(document, "contexts", context)
    if entry is None:
        raise KubeconfigError(
            "no kubeconfig was given and none found"
            if not document.get("contexts")
            else f"context {context!r} doesn't exist in the kubeconfig"
        )
    settings = dict(entry.get("context") or {})
    if choice.cluster:
        settings["cluster"] = choice.cluster
    if _entry(document, "clusters", settings.get("cluster")) is None:
        raise KubeconfigError(f"cluster {settings.get('cluster')!r} doesn't exist in the kubeconfig")
    if choice.namespace:
        settings["namespace"] = choice.namespace
    contexts = [{"name": context, "context": settings}]
    return {**document, "current-context": context, "contexts": contexts}


def namespace(document: Kubeconfig) -> str:
    """The namespace of the current context, "default" when it names none."""
    entry = _entry(document, "contexts", document.get("current-context"))
    return str((entry or {}).get("context", {}).get("namespace") or "default")


def active_cluster(choice: Choice) -> dict[str, Any] | None:
    """The settings of the cluster that ``choice`` leads to, None when it leads to none."""
    try:
        document = chosen(choice) if choice.kubeconfig else {}
    except KubeconfigError:
        return None
    entry = _entry(document, "contexts", document.get("current-context"))
    cluster = _entry(document, "clusters", (entry or {}).get("context", {}).get("cluster"))
    return None if cluster is None else dict(cluster.get("cluster") or {})


def _entry(document: Kubeconfig, section: str, name: Any) -> dict[str, Any] | None:
    return next((entry for entry in document.get(section) or [] if entry.get("name") == name), None)


def _make_absolute(document: Kubeconfig, folder: Path) -> None:
    """File names inside a kubeconfig count from its folder; and what they hold says which cluster it is."""
    for section, kind, keys in (
        ("clusters", "cluster", ("certificate-authority",)),
        ("users", "user", ("client-certificate", "client-key")),
    ):
        for entry in document.get(section) or []:
            settings = entry.get(kind) or {}
            for key in keys:
                if settings.get(key) and f"{key}-data" not in settings:
                    content = (folder / settings.pop(key)).read_bytes()
                    settings[f"{key}-data"] = base64.b64encode(content).decode()
            if settings.get("tokenFile"):
                settings["tokenFile"] = str(folder / settings["tokenFile"])
