"""Published manifests that the sandbox needs: the CRDs of the platform's operators and kwok's stages.

They are taken out of the Go modules that their projects publish, verified by ``go.sum``, and kept in the cache.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from local.toolchain.cache import cached, hash_inputs
from local.toolchain.golang import GO_ENVIRONMENT, BuildError, find_go
from local.toolchain.progress import building, note

HERE = Path(__file__).parent
SERVER = HERE / "server"
CRDS = HERE / "crds"
GO_VERSION = (1, 26)

KWOK = "sigs.k8s.io/kwok"

# Module -> folder in it and the CRDs that the project uses or its operators refuse to start without.
CRD_FILES = {
    "github.com/traefik/traefik/v3": (
        "docs/content/reference/dynamic-configuration",
        [
            f"traefik.io_{kind}.yaml"
            for kind in (
                "ingressroutes", "ingressroutetcps", "ingressrouteudps", "middlewares", "middlewaretcps",
                "serverstransports", "serverstransporttcps", "tlsoptions", "tlsstores", "traefikservices",
            )
        ],
    ),
    "github.com/cert-manager/cert-manager": (
        "deploy/crds",
        [f"cert-manager.io_{kind}.yaml" for kind in ("certificates", "clusterissuers", "issuers")],
    ),
    "github.com/k3s-io/helm-controller": (
        "pkg/crds/yaml/generated",
        [f"helm.cattle.io_{kind}.yaml" for kind in ("helmchartconfigs", "helmcharts")],
    ),
    "github.com/prometheus-operator/prometheus-operator": (
        "example/prometheus-operator-crd-full",
        [
            f"monitoring.coreos.com_{kind}.yaml"
            for kind in ("podmonitors", "probes", "prometheusrules", "servicemonitors")
        ],
    ),
}  # fmt: skip

# The quickest stages: a pod is Ready as soon as it is scheduled, a claim is bound as soon as it is made.
STAGE_FILES = [
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    *(f"pod/fast/pod-{stage}.yaml" for stage in ("ready", "complete", "delete")),
    *(f"volume/fast/{stage}.yaml" for stage in ("pv-bind", "pv-delete", "pvc-provision", "pvc-delete")),
]


def stages() -> Path:
    """One file with kwok's stages, of the version that the server is built with. Raises ``BuildError``."""

    def fetch(folder: Path) -> None:
        source = _module_folder(SERVER, KWOK) / "kustomize" / "stage"
        parts = [(source / name).read_text() for name in STAGE_FILES]
        (folder / "stages.yaml").write_text("\n---\n".join(parts))

    return _cached("kwok-stages", SERVER, STAGE_FILES, fetch) / "stages.yaml"


def crd_folder() -> Path:
    """A folder with one file a CRD, named ``<plural>.<group>.yaml``, which is the CRD's own name. The folder's name
    changes when a version or the list does. Raises ``BuildError``."""

    def fetch(folder: Path) -> None:
        for module, (inside, names) in CRD_FILES.items():
            source = _module_folder(CRDS, module) / inside
            for name in names:
                group, _, plural = name.removesuffix(".yaml").partition("_")
                shutil.copyfile(source / name, folder / f"{plural}.{group}.yaml")

    return _cached("crds", CRDS, [name for _, names in CRD_FILES.values() for name in names], fetch)


def module_version(module_dir: Path, module: str) -> str:
    """The version of ``module`` that the ``go.mod`` in ``module_dir`` pins, such as ``v1.37.1``."""
    pinned = re.search(
        rf"^\s*(?:require )?{re.escape(module)} (v\S+)", (module_dir / "go.mod").read_text(), re.MULTILINE
    )
    if pinned is None:
        raise BuildError(f"{module_dir / 'go.mod'} does not require {module}")
    return pinned[1]


def _cached(name: str, module_dir: Path, files: list[str], fetch: Callable[[Path], None]) -> Path:
    def build(folder: Path) -> None:
        with building(name, "a minute", verb="fetching"):
            fetch(folder)

    key = hash_inputs([module_dir / "go.mod", module_dir / "go.sum"], module_dir, *files)
    return cached(name, key, build, on_wait=lambda: note(f"another process is fetching {name}; waiting for it"))


def _module_folder(module_dir: Path, module: str) -> Path:
    """Folder of the module's source, downloaded when missing and verified against ``go.sum``."""
    wanted = f"{module}@{module_version(module_dir, module)}"
    answer = subprocess.run(
        [str(find_go(GO_VERSION)), "mod", "download", "-json", wanted],
        cwd=module_dir, env=os.environ | GO_ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode != 0:
        raise BuildError(
            f"downloading {wanted} failed: {answer.stderr.strip()}\n"
            "Next step: check that the Go module proxy (`go env GOPROXY`) answers, then run the same command again."
        )
    return Path(json.loads(answer.stdout)["Dir"])
