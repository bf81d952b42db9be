"""``ensure``: what it places, what it chooses, and the environment that it prints."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local.directory import FoundationDirectory
from local.toolchain import ToolchainError, ensure, shell_exports

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("FOUNDATION_TOOLCHAIN", "built")
    monkeypatch.delenv("FOUNDATION_DIR", raising=False)
    monkeypatch.delenv("FOUNDATION_REFERENCE_PLUGINS", raising=False)
    return FoundationDirectory.find(tmp_path)


def snapshot(folder: Path) -> dict[str, int]:
    return {str(file.relative_to(folder)): file.lstat().st_mtime_ns for file in folder.rglob("*") if not file.is_dir()}


def test_the_printed_environment_makes_plain_pulumi_work_in_a_shell(directory, tmp_path):
    script = 'eval "$("$1" -m local.toolchain env)" && pulumi version && echo "$PULUMI_HOME" && pulumi plugin ls'
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    shell = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    version, home, *plugins = shell.stdout.splitlines()
    assert version == ensure(directory).cli.version
    assert home == str(directory.pulumi_home)
    assert plugins[0].split()[:3] == ["NAME", "KIND", "VERSION"]
    assert shell.stderr == ""


def test_a_wrong_command_ends_with_code_2(tmp_path):
    wrong = subprocess.run(
        [sys.executable, "-m", "local.toolchain", "environment"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2
    assert "usage:" in wrong.stderr


def test_values_survive_the_shell(tmp_path):
    value = "a 'quoted' $HOME \"value\"\nof two lines"
    lines = shell_exports({"SCRATCH": value})
    shown = subprocess.run(["sh", "-c", f'{lines}\nprintf %s "$SCRATCH"'], capture_output=True, text=True, check=True)
    assert shown.stdout == value


def test_a_second_run_writes_nothing(directory):
    first = ensure(directory)
    before = snapshot(directory.root)
    assert ensure(directory) == first
    assert snapshot(directory.root) == before


def test_what_was_damaged_is_mended(directory):
    toolchain = ensure(directory)
    before = snapshot(directory.root)
    for name in before:
        (directory.root / name).unlink()
    assert ensure(directory) == toolchain
    assert snapshot(directory.root).keys() == before.keys()
    (directory.bin / "pulumi-language-python").write_text("")
    ensure(directory)
    assert "language_host" in (directory.bin / "pulumi-language-python").read_text()


def test_metadata_that_a_killed_engine_left_half_written_is_no_hindrance(directory, tmp_path):
    (tmp_path / "Pulumi.yaml").write_text("name: scratch\nruntime: python\n")

    def pulumi(*arguments):
        done = subprocess.run(
            [ensure(directory).pulumi, *arguments],
            cwd=tmp_path, env=os.environ | ensure(directory).environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    pulumi("stack", "init", "local-test")
    assert not list(directory.state.rglob("*.attrs"))
    (directory.state / ".pulumi" / "stacks" / "scratch" / "local-test.json.attrs").touch()
    assert json.loads(pulumi("stack", "export"))["version"] == 3


def test_only_the_owner_can_look_into_the_folder(directory):
    ensure(directory)
    assert stat.S_IMODE(directory.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(directory.passphrase.stat().st_mode) == 0o600


def test_a_file_in_place_of_the_folder_is_named(tmp_path, monkeypatch):
    (tmp_path / "taken").touch()
    monkeypatch.setenv("FOUNDATION_DIR", str(tmp_path / "taken"))
    with pytest.raises(NotADirectoryError, match="FOUNDATION_DIR"):
        FoundationDirectory.find(tmp_path)


def test_several_folders_live_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setenv("FOUNDATION_TOOLCHAIN", "built")
    homes = set()
    for name in ("one", "two"):
        monkeypatch.setenv("FOUNDATION_DIR", str(tmp_path / name))
        environment = ensure(FoundationDirectory.find(tmp_path)).environment()
        homes.add(environment["PULUMI_HOME"])
        assert environment["FOUNDATION_DIR"] == str(tmp_path / name)
    assert len(homes) == 2


def test_an_unknown_choice_is_refused(directory, monkeypatch):
    monkeypatch.setenv("FOUNDATION_TOOLCHAIN", "newest")
    with pytest.raises(ToolchainError, match="FOUNDATION_TOOLCHAIN=newest: use official, built"):
        ensure(directory)


def test_an_official_cli_on_path_is_taken(directory, tmp_path, monkeypatch):
    built = ensure(directory)
    official = tmp_path / "official"
    official.mkdir()
    shutil.copy2(built.pulumi, official / "pulumi")
    monkeypatch.setenv("PATH", f"{directory.bin}:{official}:{os.environ['PATH']}")

    # Without a language host beside it, it can run no Python program.
    monkeypatch.setenv("FOUNDATION_TOOLCHAIN", "")
    assert ensure(directory).cli.source == "built"

    (official / "pulumi-language-python").write_text("#!/bin/sh\n")
    (official / "pulumi-language-python").chmod(0o755)
    (directory.root / "toolchain.json").unlink()
    taken = ensure(directory)
    assert (taken.cli.source, taken.cli.path) == ("official", official / "pulumi")
    assert ensure(directory) == taken
    assert taken.pulumi.resolve() == official / "pulumi"
    assert not (directory.bin / "pulumi-language-python").exists()
    assert taken.environment()["PATH"].split(":")[:2] == [str(directory.bin), str(official)]

    monkeypatch.setenv("FOUNDATION_TOOLCHAIN", "built")
    assert ensure(directory) == built


def test_the_description_has_a_row_a_part(directory):
    rows = {part.name: part for part in ensure(directory).describe()}
    assert rows["pulumi"].source == "built"
    assert rows["pulumi-language-python"].source == "stand-in"
    for name, row in rows.items():
        if name.startswith("pulumi-resource-"):
            assert row.source == "stand-in"


def test_genuine_plugins_take_the_place_of_stand_ins_and_give_it_back(directory, tmp_path, monkeypatch):
    ensure(directory)
    before = snapshot(directory.pulumi_home)
    genuine = tmp_path / "genuine"
    genuine.mkdir()
    # A machine's program and no text, as genuine plugins are.
    (genuine / "pulumi-resource-random").write_bytes(b"\x7fELF\xa0\x00")
    (genuine / "pulumi-resource-random").chmod(0o755)
    (genuine / "resource-vault-v6.1.0").mkdir()
    shutil.copy2(genuine / "pulumi-resource-random", genuine / "resource-vault-v6.1.0" / "pulumi-resource-vault")
    monkeypatch.setenv("FOUNDATION_REFERENCE_PLUGINS", str(genuine))

    rows = {part.name: part for part in ensure(directory).describe()}
    assert rows["pulumi-resource-random"].source == "reference"
    assert rows["pulumi-resource-vault"].version == "v6.1.0"
    [placed] = directory.pulumi_home.glob("plugins/resource-random-*/pulumi-resource-random")
    assert placed.resolve() == genuine / "pulumi-resource-random"
    listed = subprocess.run(
        [ensure(directory).pulumi, "plugin", "ls", "--json"],
        env=os.environ | ensure(directory).environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"random", "vault"} <= {plugin["name"] for plugin in json.loads(listed.stdout)}

    monkeypatch.delenv("FOUNDATION_REFERENCE_PLUGINS")
    ensure(directory)
    assert snapshot(directory.pulumi_home).keys() >= before.keys()
    assert not placed.is_symlink()
    assert (genuine / "pulumi-resource-random").read_bytes() == b"\x7fELF\xa0\x00"
    assert not list(directory.pulumi_home.glob("plugins/resource-vault-*"))


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_reference_folder_without_plugins_is_refused(directory, tmp_path, monkeypatch, kind):
    folder = tmp_path / kind
    if kind == "empty":
        folder.mkdir()
    monkeypatch.setenv("FOUNDATION_REFERENCE_PLUGINS", str(folder))
    with pytest.raises(OSError, match="FOUNDATION_REFERENCE_PLUGINS"):
        ensure(directory)
