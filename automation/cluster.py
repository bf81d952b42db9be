"""An environment's Kubernetes cluster, as its administrator reaches it: the settings say how, or else the state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client, config
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from pulumi.automation import Stack
from urllib3.exceptions import HTTPError

from automation.cloud import place
from automation.errors import FoundationError
from automation.project import Project
from models.loading import Environment

PROVIDER: Final = "pulumi:providers:kubernetes"
# How the engine writes a secret that was asked for in clear.
PLAINTEXT: Final = "plaintext"
# Seconds that a cluster has to answer: one that is being taken down doesn't any more.
TIMEOUT: Final = 10.0
UNREACHABLE: Final = (HTTPError, OSError, ApiException, ConfigException, yaml.YAMLError)


class Unreachable(FoundationError):
    """The cluster doesn't answer."""


@contextmanager
def reached(project: Project, environment: Environment, stack: Stack) -> Iterator[Any]:
    """A client of the environment's cluster, which answers. Raises ``Unreachable``.

    The package's types are all optional, hence Any.
    """
    kubeconfig = _kubeconfig(project, environment, stack)
    if kubeconfig is None:
        raise Unreachable("nothing says how the cluster is reached: it isn't made yet, or is gone")
    settings: Any = client.Configuration()
    settings.retries = False
    try:
        load: Any = config.load_kube_config_from_dict
        load(kubeconfig, context=environment.settings.kubernetes.context, client_configuration=settings)
        with client.ApiClient(settings) as api:
            client.VersionApi(api).get_code(_request_timeout=TIMEOUT)
    except UNREACHABLE as error:
        raise Unreachable("the cluster doesn't answer", problems=[str(error)]) from error
    with client.ApiClient(settings) as api:
        yield api


def _kubeconfig(project: Project, environment: Environment, stack: Stack) -> dict[str, Any] | None:
    settings = environment.settings.kubernetes
    if settings.kubeconfig is not None:
        return _read(place(project, settings.kubeconfig))
    if settings.kubeconfig_config is not None:
        return _parsed(stack.get_config(settings.kubeconfig_config).value)
    return _in_state(stack)


def _in_state(stack: Stack) -> dict[str, Any] | None:
    """What the stack's own Kubernetes provider uses: the update made the cluster, and its kubeconfig with it."""
    command = ["stack", "export", "--show-secrets", "--stack", stack.name]
    workspace: Any = stack.workspace
    told = workspace.pulumi_command.run(command, workspace.work_dir, workspace.env_vars).stdout
    for resource in json.loads(told)["deployment"].get("resources") or []:
        if resource["type"] == PROVIDER:
            given = (resource.get("inputs") or {}).get("kubeconfig")
            text = json.loads(given[PLAINTEXT]) if isinstance(given, dict) else given
            if isinstance(text, str) and text:
                return _parsed(text) if "\n" in text or text.lstrip().startswith("{") else _read(Path(text))
    return None


def _read(file: Path) -> dict[str, Any] | None:
    try:
        return _parsed(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _parsed(text: str) -> dict[str, Any]:
    found = yaml.safe_load(text)
    return found if isinstance(found, dict) else {}
