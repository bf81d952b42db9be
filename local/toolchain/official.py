"""The official Pulumi CLI: found on ``PATH`` or installed by the SDK where the internet answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from pathlib import Path

from local.toolchain.cache import cached
from local.toolchain.launchers import is_launcher
from local.toolchain.progress import building

LANGUAGE_HOST = "pulumi-language-python"
# Older engines don't know what the program uses (deletedWith, hooks); the SDK's own floor lies below.
OLDEST = (3, 200, 0)
# The page that the SDK installs from; a machine that reaches it reaches the published plugins too.
INSTALLER = "https://get.pulumi.com/install.sh"


@dataclass(frozen=True)
class OfficialCli:
    """An official CLI with its language host beside it or on ``PATH``."""

    executable: Path
    version: str


def find_official() -> OfficialCli | None:
    """The first official CLI on ``PATH`` that is new enough and has its Python language host; ours doesn't count."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = shutil.which("pulumi", path=folder)
        if found is None or is_launcher(Path(found).parent / LANGUAGE_HOST):
            continue
        executable = Path(found).resolve()
        host = shutil.which(LANGUAGE_HOST, path=str(executable.parent)) or shutil.which(LANGUAGE_HOST)
        version = version_of(executable)
        if host and not is_launcher(Path(host)) and version and _numbers(version) >= OLDEST:
            return OfficialCli(executable, version)
    return None


def install_official() -> OfficialCli:
    """The official CLI of the SDK's version, downloaded by the SDK into the user's cache folder.

    Raises ``OSError``, ``subprocess.CalledProcessError`` or the SDK's error when the download fails.
    """
    from pulumi.automation import PulumiCommand  # 0.4 s to import

    sdk_version = distribution_version("pulumi")

    def install(folder: Path) -> None:
        with building(f"the official Pulumi CLI {sdk_version}", "a minute", verb="installing"):
            PulumiCommand.install(root=str(folder))

    executable = cached("pulumi-official", sdk_version, install) / "bin" / "pulumi"
    return OfficialCli(executable, version_of(executable))


def internet_answers() -> bool:
    """Whether the official downloads can be reached; false after three seconds."""
    from local.downloads import answers  # 0.1 s to import, and asked on a machine's first run only

    return answers(INSTALLER)


def version_of(pulumi: Path) -> str:
    """What ``pulumi version`` says, such as ``v3.259.0``; empty when it doesn't run."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run([str(pulumi), "version"], capture_output=True, text=True, check=True, env=environment)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
