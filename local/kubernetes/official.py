"""The programs that Kubernetes, etcd and kwok publish themselves, downloaded where the internet answers."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local.downloads import DownloadError, answers, download, read
from local.kubernetes.manifests import KWOK, SERVER, module_version
from local.toolchain.cache import cached, kept
from local.toolchain.progress import building, note

KUBERNETES_VERSION = module_version(SERVER, "k8s.io/kubernetes")
ETCD_VERSION = module_version(SERVER, "go.etcd.io/etcd/server/v3")
KWOK_VERSION = module_version(SERVER, KWOK)

ETCD = "etcd"
KUBERNETES_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

# As the publishers name the machine's architecture; they publish for others too, which nobody tried here.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Publishers:
    """Where the programs are published. All four publish hashes beside them, kwok by the digests that GitHub's API
    names for each file of a release."""

    kubernetes: str = "https://dl.k8s.io/release"
    etcd: str = "https://github.com/etcd-io/etcd/releases/download"
    kwok: str = "https://github.com/kubernetes-sigs/kwok/releases/download"
    kwok_release: str = "https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags"

    def reachable(self) -> bool:
        """Whether all of them answer within a few seconds."""
        with ThreadPoolExecutor() as pool:
            return all(pool.map(answers, (self.kubernetes, self.etcd, self.kwok, self.kwok_release)))


PUBLISHERS = Publishers()


def installed() -> Path | None:
    """The folder of the programs where this machine has them already."""
    return kept("kubernetes-official", _key())


def install(publishers: Publishers = PUBLISHERS) -> Path:
    """The folder of the programs, downloaded on the first call on this machine. Raises ``DownloadError``."""
    architecture = ARCHITECTURES.get(os.uname().machine)
    if architecture is None:
        raise DownloadError(f"no official programs are known for {os.uname().machine}")

    def fetch(folder: Path) -> None:
        with building(f"Kubernetes {KUBERNETES_VERSION} with etcd and kwok", "a minute", verb="downloading"):
            with ThreadPoolExecutor() as pool:
                jobs = [
                    pool.submit(_kubernetes, publishers, architecture, folder / name) for name in KUBERNETES_PROGRAMS
                ]
                jobs.append(pool.submit(_etcd, publishers, architecture, folder / ETCD))
                jobs.append(pool.submit(_kwok, publishers, architecture, folder / "kwok"))
            for job in jobs:
                job.result()
        for program in folder.iterdir():
            program.chmod(0o755)

    wait = "another process is downloading Kubernetes; waiting for it"
    return cached("kubernetes-official", _key(), fetch, on_wait=lambda: note(wait))


def _key() -> str:
    return "-".join((KUBERNETES_VERSION, ETCD_VERSION, KWOK_VERSION, os.uname().machine))


def _kubernetes(publishers: Publishers, architecture: str, target: Path) -> None:
    url = f"{publishers.kubernetes}/{KUBERNETES_VERSION}/bin/linux/{architecture}/{target.name}"
    download(url, read(f"{url}.sha256").decode().split()[0], target)


def _etcd(publishers: Publishers, architecture: str, target: Path) -> None:
    release = f"{publishers.etcd}/{ETCD_VERSION}"
    name = f"etcd-{ETCD_VERSION}-linux-{architecture}"
    lines = (line.split() for line in read(f"{release}/SHA256SUMS").decode().splitlines())
    hashes = {line[1]: line[0] for line in lines if line}
    archive = f"{name}.tar.gz"
    if archive not in hashes:
        raise DownloadError(f"{release}/SHA256SUMS names no {archive}")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        packed = Path(folder) / archive
        download(f"{release}/{archive}", hashes[archive], packed)
        with tarfile.open(packed) as tar:
            program = next((member for member in tar if member.name == f"{name}/{ETCD}" and member.isfile()), None)
            content = tar.extractfile(program) if program else None
            if content is None:
                raise DownloadError(f"{release}/{archive} holds no file {name}/{ETCD}")
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)


def _kwok(publishers: Publishers, architecture: str, target: Path) -> None:
    name = f"kwok-linux-{architecture}"
    described = f"{publishers.kwok_release}/{KWOK_VERSION}"
    assets = json.loads(read(described))["assets"]
    digest = next((asset.get("digest") or "" for asset in assets if asset["name"] == name), "")
    if not digest.startswith("sha256:"):
        raise DownloadError(f"{described} names no SHA-256 of {name}")
    download(f"{publishers.kwok}/{KWOK_VERSION}/{name}", digest.removeprefix("sha256:"), target)
