"""``ensure`` makes the toolchain ready; ``Toolchain`` says how to use it.

Everything is placed in a local environment's folder. It takes what is official where the machine has it or the
internet answers, and builds or places our own otherwise. ``Toolchain.environment`` is what plain ``pulumi`` then
needs in a shell, and what the Automation API needs in ``env_vars``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local.directory import ENVIRONMENT_VARIABLE, FoundationDirectory
from local.toolchain.golang import build_go
from local.toolchain.home import ProviderPlugin, place_plugins
from local.toolchain.launchers import is_launcher, place_executable, place_link, write_file, write_launcher
from local.toolchain.official import LANGUAGE_HOST, find_official, install_official, internet_answers
from local.toolchain.progress import note

CHOICE_VARIABLE = "FOUNDATION_TOOLCHAIN"
CHOICES = ("", "official", "built")

CLI_MODULE = Path(__file__).with_name("cli")
CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

# The committed Pulumi.local.yaml holds the salt that belongs to it. A local environment has nothing to hide from
# whoever can read its folder; the engine still keeps every secret encrypted, as it does elsewhere.
LOCAL_PASSPHRASE = "local"

Source = Literal["official", "built", "published", "reference", "stand-in"]


class ToolchainError(ValueError):
    """A setting of the toolchain is wrong; the message says what would be right."""


@dataclass(frozen=True)
class Part:
    """One part of the toolchain, as ``foundation doctor`` lists it."""

    name: str
    source: Source
    version: str
    path: Path | None


@dataclass(frozen=True)
class Toolchain:
    """A toolchain that is ready to use."""

    directory: FoundationDirectory
    cli: Part
    plugins: tuple[ProviderPlugin, ...]
    published_plugins: bool

    @property
    def pulumi(self) -> Path:
        """The CLI. For the Automation API: ``PulumiCommand(root=str(toolchain.directory.root))``."""
        return self.directory.bin / "pulumi"

    def environment(self) -> dict[str, str]:
        """The variables that make plain ``pulumi`` work here; ``PATH`` is the present one with ours in front."""
        ours = [str(self.directory.bin)]
        if self.cli.source == "official" and self.cli.path is not None:
            ours.append(str(self.cli.path.parent))
        others = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if entry not in ours]
        variables = {
            "PATH": os.pathsep.join([*ours, *others]),
            "PULUMI_HOME": str(self.directory.pulumi_home),
            # Without a file of metadata beside each file: that one is written in place, so that who is killed there, or
            # looks at that moment, finds a state that can't be read. The state itself is put in place by a rename.
            "PULUMI_BACKEND_URL": f"file://{self.directory.state}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.directory.passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # An update starts eight interpreters. Where bytecode isn't kept, as containers have it, each of them
            # compiles the SDKs anew: three times the CPU. Empty means unset.
            "PYTHONDONTWRITEBYTECODE": "",
            ENVIRONMENT_VARIABLE: str(self.directory.root),
        }
        if not self.published_plugins:
            variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        return variables

    def describe(self) -> list[Part]:
        """The parts in use: CLI, language host, one row a provider plugin."""
        if self.cli.source == "official":
            host = Part(LANGUAGE_HOST, "official", self.cli.version, None)
        else:
            from local.toolchain.language_host import VERSION

            host = Part(LANGUAGE_HOST, "stand-in", VERSION, self.directory.bin / LANGUAGE_HOST)
        rows = [self.cli, host]
        if self.published_plugins:
            rows.append(Part("provider plugins", "published", "as the SDK packages ask", None))
        for plugin in self.plugins:
            source: Source = "stand-in" if plugin.executable is None else "reference"
            folder = self.directory.pulumi_home / "plugins" / f"resource-{plugin.name}-v{plugin.version}"
            rows.append(
                Part(f"pulumi-resource-{plugin.name}", source, f"v{plugin.version}", plugin.executable or folder)
            )
        return rows


def ensure(directory: FoundationDirectory) -> Toolchain:
    """The toolchain of ``directory``, made ready; quick (no process is started) when it is ready already.

    ``FOUNDATION_TOOLCHAIN`` forces ``official`` (download it or fail) or ``built``; without it the official CLI is
    taken from ``PATH``, else downloaded where the internet answers, else the CLI is built from its Go module. The
    choice is kept in ``toolchain.json`` until the variable changes. Raises ``ToolchainError`` and ``BuildError``.
    """
    forced = os.environ.get(CHOICE_VARIABLE, "")
    if forced not in CHOICES:
        raise ToolchainError(f"{CHOICE_VARIABLE}={forced}: use official, built, or leave it unset")
    directory.create()
    for folder in (directory.state, directory.bin):
        folder.mkdir(parents=True, exist_ok=True)
    for metadata in directory.state.glob(".pulumi/stacks/*/*.attrs"):
        metadata.unlink(missing_ok=True)  # of an earlier version; see Toolchain.environment
    write_file(directory.passphrase, LOCAL_PASSPHRASE, mode=0o600)
    cli, published = _remembered(directory, forced) or _choose(directory, forced)
    _place_cli(directory.bin, cli)
    plugins = place_plugins(directory.pulumi_home, published=published)
    return Toolchain(directory, cli, tuple(plugins), published)


def shell_exports(environment: Mapping[str, str]) -> str:
    """``environment`` as lines for a POSIX shell to evaluate."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())


def _choose(directory: FoundationDirectory, forced: str) -> tuple[Part, bool]:
    """Decide where the CLI comes from, get it, and remember the decision."""
    official, online = None, False
    if forced != "built":
        official, online = find_official(), internet_answers()
        if official is None and (online or forced == "official"):
            try:
                official = install_official()
            except Exception as error:
                if forced == "official":
                    raise ToolchainError(
                        f"{CHOICE_VARIABLE}=official, but the download failed ({error}); unset it to build the CLI"
                    ) from error
                note(f"the official CLI could not be downloaded ({error}); building it instead")
                online = False
    cli = Part("pulumi", "official", official.version, official.executable) if official else _built_cli()
    # Published plugins go with the official CLI; the built one is for machines that reach registries only.
    published = online and official is not None
    decision = {"forced": forced, "source": cli.source, "path": str(cli.path), "published": published}
    write_file(_memory(directory), json.dumps(decision | {"version": cli.version}, indent=2) + "\n", mode=0o644)
    return cli, published


def _remembered(directory: FoundationDirectory, forced: str) -> tuple[Part, bool] | None:
    try:
        decision = json.loads(_memory(directory).read_text())
        if decision["forced"] != forced:
            return None
        if decision["source"] == "built":
            return _built_cli(), False
        path = Path(decision["path"])
        if path.exists():
            return Part("pulumi", "official", decision["version"], path), decision["published"]
    except (OSError, ValueError, KeyError):
        pass  # nothing remembered, or nothing that makes sense: decide again
    return None


def _memory(directory: FoundationDirectory) -> Path:
    return directory.root / "toolchain.json"


def _built_cli() -> Part:
    """The CLI built from our own ``go.mod``, at the version that it names."""
    named = re.search(r"github\.com/pulumi/pulumi/pkg/v3 (v\S+)", (CLI_MODULE / "go.mod").read_text())
    if named is None:
        raise ToolchainError(f"{CLI_MODULE / 'go.mod'} names no version of github.com/pulumi/pulumi/pkg/v3")
    # An empty version would make the Automation API refuse the CLI.
    ldflags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={named[1]}"
    executable = build_go(CLI_MODULE, CLI_PACKAGE, "pulumi", ldflags, first_time="5 minutes")
    return Part("pulumi", "built", named[1], executable)


def _place_cli(bin_folder: Path, cli: Part) -> None:
    assert cli.path is not None, "a CLI has an executable"
    host = bin_folder / LANGUAGE_HOST
    if cli.source == "official":
        # Its own language host lies beside it.
        if is_launcher(host):
            host.unlink(missing_ok=True)
        place_link(bin_folder / "pulumi", cli.path)
    else:
        write_launcher(host, "local.toolchain.language_host")
        place_executable(bin_folder / "pulumi", cli.path)
