"""The official programs: downloaded whole and checked, or not at all; and the build where they can't be had."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.downloads import DownloadError, answers, download
from local.kubernetes import official
from local.kubernetes.official import Publishers, install
from local.kubernetes.programs import BUILT, find_programs, get_programs
from local.ports import choose_port
from local.toolchain import ToolchainError
from tests.sandbox.publisher import PROGRAMS, Site, publishing

CONTENT = {name: f"#!/bin/sh\necho {name}\n".encode() * 30_000 for name in PROGRAMS}

# Stands in for Go where a test is not about the build: "builds" an executable at once.
GO = """#!/bin/sh
if [ "$1" = env ]; then echo go1.99.0; exit; fi
while [ "$1" != -o ]; do shift; done
echo built > "$2"
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FOUNDATION_KUBERNETES", raising=False)
    return tmp_path / "cache" / "foundation"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """All programs published, by a server that this machine trusts."""
    with publishing(tmp_path) as site:
        monkeypatch.setenv("SSL_CERT_FILE", str(site.certificate))
        site.publish(CONTENT)
        yield site


@pytest.fixture
def quick_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "go"
    folder.mkdir()
    (folder / "go").write_text(GO)
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def _nowhere() -> Publishers:
    return Publishers(*[f"https://127.0.0.1:{choose_port(None)}"] * 4)


def test_programs_are_downloaded_once(site: Site) -> None:
    programs = get_programs(site.publishers)
    assert programs.source == "official"
    assert {file.name: file.read_bytes() for file in programs.folder.iterdir()} == CONTENT
    assert {stat.S_IMODE(file.stat().st_mode) for file in programs.folder.iterdir()} == {0o755}
    asked = len(site.asked)
    assert get_programs(site.publishers) == programs == find_programs()
    assert len(site.asked) == asked


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_is_not_what_was_published_is_refused(site: Site, own_cache: Path, program: str) -> None:
    path = site.path_of(program)
    site.files[path] = site.files[path][:-1] + b"!"
    with pytest.raises(DownloadError, match=rf"{path} is not what its publisher made: SHA-256 \w+, published \w+"):
        install(site.publishers)
    assert official.installed() is None
    assert not list((own_cache / "downloads").glob("*.partial"))


def test_a_hash_that_is_not_published_is_missed(site: Site) -> None:
    [description] = [path for path in site.files if path.startswith("/releases/")]
    site.files[description] = b'{"assets": [{"name": "kwok.yaml"}]}'
    with pytest.raises(DownloadError, match="names no SHA-256 of kwok-linux-"):
        install(site.publishers)


def test_broken_transfers_go_on_where_they_broke_off(site: Site) -> None:
    path = site.path_of("kube-apiserver")
    site.broken[path] = 2
    assert (install(site.publishers) / "kube-apiserver").read_bytes() == CONTENT["kube-apiserver"]
    first, *later = [wanted for asked, wanted in site.asked if asked == path]
    assert first is None
    begun = [int((wanted or "").removeprefix("bytes=").removesuffix("-")) for wanted in later]
    assert 0 < begun[0] < begun[1] < len(CONTENT["kube-apiserver"])


def test_a_server_in_trouble_is_asked_again_a_few_times(site: Site) -> None:
    path = site.path_of("kube-scheduler")
    site.busy[f"{path}.sha256"] = site.busy[path] = 1
    assert (install(site.publishers) / "kube-scheduler").exists()


def test_what_a_killed_download_left_is_used_or_begun_anew(site: Site, own_cache: Path, tmp_path: Path) -> None:
    path, content = site.path_of("kwok"), CONTENT["kwok"]
    digest = hashlib.sha256(content).hexdigest()
    partial = own_cache / "downloads" / f"{digest}.partial"
    partial.parent.mkdir(parents=True)
    for left, asked in (
        (content[:100], ["bytes=100-"]),
        (b"other", ["bytes=5-", None]),
        (content, [f"bytes={len(content)}-"]),
    ):
        partial.write_bytes(left)
        site.asked.clear()
        download(f"{site.url}{path}", digest, tmp_path / "kwok")
        assert (tmp_path / "kwok").read_bytes() == content
        assert [wanted for _, wanted in site.asked] == asked
        assert not partial.exists()


def test_a_site_that_proves_nothing_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with publishing(tmp_path) as site:
        site.publish(CONTENT)
        assert not answers(f"{site.url}/release")
        with pytest.raises(DownloadError, match="certificate verify failed"):
            download(f"{site.url}{site.path_of('kwok')}", "0" * 64, tmp_path / "kwok")


def test_a_machine_without_the_internet_builds(quick_go: None, capsys: pytest.CaptureFixture[str]) -> None:
    programs = get_programs(_nowhere())
    assert programs.source == "built"
    assert (programs.folder / BUILT).read_text() == "built\n"
    assert "official programs don't answer; building the same code instead" in capsys.readouterr().err
    # Now that it is there, nobody is asked again.
    assert get_programs(_nowhere()) == programs
    assert capsys.readouterr().err == ""


def test_a_failing_download_ends_in_a_build(site: Site, quick_go: None, capsys: pytest.CaptureFixture[str]) -> None:
    del site.files[site.path_of("kube-scheduler")]
    assert get_programs(site.publishers).source == "built"
    assert "kube-scheduler: HTTP status 404); building the same code instead" in capsys.readouterr().err


def test_the_choice_can_be_forced(site: Site, quick_go: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOUNDATION_KUBERNETES", "built")
    assert get_programs(site.publishers).source == "built"
    assert site.asked == []
    monkeypatch.setenv("FOUNDATION_KUBERNETES", "official")
    with pytest.raises(ToolchainError, match=r"FOUNDATION_KUBERNETES=official, but the download failed"):
        get_programs(_nowhere())
    assert get_programs(site.publishers).source == "official"
    monkeypatch.setenv("FOUNDATION_KUBERNETES", "built")
    assert get_programs(site.publishers).source == "built"
    monkeypatch.setenv("FOUNDATION_KUBERNETES", "newest")
    with pytest.raises(ToolchainError, match="FOUNDATION_KUBERNETES=newest: use official, built"):
        find_programs()
