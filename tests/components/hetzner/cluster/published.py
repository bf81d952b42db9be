"""Published files that tests judge by, fetched once into the user's cache where they aren't installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from local.toolchain.cache import cached

SCHEMA = "usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json"
FETCH_SECONDS = 120


def cloud_init_schema() -> Path | None:
    """cloud-init's schema of cloud-config, out of the distribution's package; None where that can't be had."""
    installed = Path("/") / SCHEMA
    if installed.exists():
        return installed
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None

    def fetch(folder: Path) -> None:
        download = ["apt-get", "download", "--quiet=2", "cloud-init"]
        subprocess.run(download, cwd=folder, check=True, capture_output=True, timeout=FETCH_SECONDS)
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True, capture_output=True)
        package.unlink()

    try:
        # The distribution's own version decides what is in the package: one for a distribution's release.
        return cached("cloud-init-schema", _release(), fetch) / SCHEMA
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None


def _release() -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return f"{values['ID']}-{values.get('VERSION_ID', 'rolling')}".replace('"', "")
