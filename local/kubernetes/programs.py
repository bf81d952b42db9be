"""Which programs the sandbox's cluster runs: the official ones, or the same code built here as one program."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local.downloads import DownloadError
from local.kubernetes import official
from local.kubernetes.manifests import SERVER
from local.kubernetes.official import KUBERNETES_VERSION, PUBLISHERS, Publishers
from local.toolchain import ToolchainError
from local.toolchain.golang import GoProgram
from local.toolchain.progress import note

CHOICE_VARIABLE = "FOUNDATION_KUBERNETES"
CHOICES = ("", "official", "built")

BUILT = "foundation-kubernetes"
FIRST_BUILD = "8 minutes"


@dataclass(frozen=True)
class Programs:
    """Executables in ``folder``: the five official ones, or the one built here."""

    source: Literal["official", "built"]
    folder: Path

    @property
    def version(self) -> str:
        """Of Kubernetes, the same for both."""
        return KUBERNETES_VERSION


def find_programs() -> Programs | None:
    """What this machine has already and the settings allow; None where something must be fetched first.

    Raises ``ToolchainError`` when ``FOUNDATION_KUBERNETES`` is neither empty nor one of the choices.
    """
    forced = _forced()
    if forced != "built" and (folder := official.installed()):
        return Programs("official", folder)
    if forced != "official" and (program := _program().find()):
        return Programs("built", program.parent)
    return None


def get_programs(publishers: Publishers = PUBLISHERS) -> Programs:
    """The programs, downloaded or built on the first call on this machine.

    What the machine has already is taken. Else the official ones are downloaded where their sites answer, and ours is
    built where they don't. ``FOUNDATION_KUBERNETES`` forces ``official`` or ``built``. Raises ``ToolchainError`` and
    ``BuildError``.
    """
    if found := find_programs():
        return found
    forced = _forced()
    if forced != "built":
        try:
            if forced or publishers.reachable():
                return Programs("official", official.install(publishers))
            note("the sites of Kubernetes' official programs don't answer; building the same code instead")
        except DownloadError as error:
            if forced:
                raise ToolchainError(
                    f"{CHOICE_VARIABLE}=official, but the download failed ({error}); unset it to build Kubernetes"
                ) from error
            note(f"Kubernetes' official programs could not be downloaded ({error}); building the same code instead")
    return Programs("built", _program().build(first_time=FIRST_BUILD).parent)


def _forced() -> str:
    forced = os.environ.get(CHOICE_VARIABLE, "")
    if forced not in CHOICES:
        raise ToolchainError(f"{CHOICE_VARIABLE}={forced}: use official, built, or leave it unset")
    return forced


def _program() -> GoProgram:
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    # Without its version the server calls itself v0.0.0, which clients refuse to parse.
    stamp = "k8s.io/component-base/version"
    version = f"-X {stamp}.gitVersion={KUBERNETES_VERSION} -X {stamp}.gitMajor={major} -X {stamp}.gitMinor={minor}"
    return GoProgram(SERVER, ".", BUILT, f"-s -w {version}")
