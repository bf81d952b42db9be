"""Building once: concurrent builders, failed and killed ones, and what belongs to the key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_cache_dir

from local.toolchain.cache import cached, hash_inputs
from local.toolchain.golang import BuildError, build_go, find_go

# Builds by appending to a log, and waits for the file "go" in the working directory before it finishes.
BUILDER = """
import os, sys, time
from pathlib import Path
from local.toolchain.cache import cached

def build(folder):
    with open("log", "a") as log:
        log.write("built\\n")
    (folder / "tool").write_text("half")
    Path("began").touch()
    while not Path("go").exists():
        time.sleep(0.02)
    (folder / "tool").write_text("whole")

print(cached("tool", "1", build, on_wait=lambda: print("waiting", flush=True)))
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    # Go's own cache lies below it too: keep that, or each test compiles the standard library.
    monkeypatch.setenv("GOCACHE", os.environ.get("GOCACHE") or user_cache_dir("go-build"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


def start_builder(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", BUILDER], cwd=folder, stdout=subprocess.PIPE, text=True)


def test_two_builders_at_once_build_once(tmp_path, wait_until):
    first = start_builder(tmp_path)
    wait_until((tmp_path / "began").exists)
    second = start_builder(tmp_path)
    assert second.stdout.readline() == "waiting\n"
    (tmp_path / "go").touch()
    folders = {builder.communicate()[0].strip() for builder in (first, second)}
    assert len(folders) == 1
    assert Path(folders.pop(), "tool").read_text() == "whole"
    assert (tmp_path / "log").read_text() == "built\n"


def test_a_killed_builder_leaves_nothing_half_made(tmp_path, wait_until):
    killed = start_builder(tmp_path)
    wait_until((tmp_path / "began").exists)
    killed.kill()
    killed.wait()
    (tmp_path / "go").touch()
    finished = start_builder(tmp_path)
    folder = Path(finished.communicate()[0].strip())
    assert (folder / "tool").read_text() == "whole"
    assert [entry.name for entry in folder.parent.iterdir() if entry.is_dir()] == [folder.name]


def test_a_failed_build_is_passed_on_and_tried_again():
    def fail(folder: Path) -> None:
        (folder / "tool").touch()
        raise RuntimeError("no compiler")

    with pytest.raises(RuntimeError, match="no compiler"):
        cached("tool", "1", fail)
    assert (cached("tool", "1", lambda folder: (folder / "tool").write_text("whole")) / "tool").read_text() == "whole"


def test_a_go_module_is_built_once_and_again_when_a_source_changes(tmp_path):
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example/hello\n\ngo 1.21\n")
    source = module / "main.go"
    source.write_text('package main\n\nvar word = "none"\n\nfunc main() { println(word) }\n')

    def build(ldflags: str) -> tuple[Path, str]:
        tool = build_go(module, ".", "hello", ldflags)
        return tool, subprocess.run([tool], capture_output=True, text=True, check=True).stderr.strip()

    first = build("-X main.word=one")
    assert first[1] == "one"
    made = first[0].stat().st_mtime_ns
    assert build("-X main.word=one") == first
    assert first[0].stat().st_mtime_ns == made
    assert build("-X main.word=two")[1] == "two"
    source.write_text(source.read_text().replace("println(word)", 'println(word + "!")'))
    assert build("-X main.word=one")[1] == "one!"


def test_a_go_build_that_fails_shows_the_end_of_the_output_and_the_next_step(tmp_path):
    (tmp_path / "go.mod").write_text("module example/broken\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { undefined_function() }\n")
    with pytest.raises(BuildError, match=r"(?s)undefined: undefined_function.*Next step:"):
        build_go(tmp_path, ".", "broken", "")


def test_a_go_older_than_the_module_asks_for_is_passed_over(tmp_path, monkeypatch):
    genuine = find_go((1, 21))
    old = tmp_path / "old"
    old.mkdir()
    (old / "go").write_text("#!/bin/sh\necho go1.18.1\n")
    (old / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{old}:{genuine.parent}:/usr/bin:/bin")
    assert find_go((1, 18)) == old / "go"
    assert find_go((1, 21)) == genuine


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=40), min_size=1, max_size=4))
def test_the_key_depends_on_names_contents_and_settings_but_not_on_the_place(tmp_path_factory, contents):
    def write(folder: Path) -> list[Path]:
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return [folder / name for name in contents]

    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    key = hash_inputs(write(here), here, "flags")
    assert hash_inputs(reversed(write(there)), there, "flags") == key
    assert hash_inputs(write(there), there, "flags", "more") != key
    changed = write(there)[0]
    changed.write_bytes(changed.read_bytes() + b"x")
    assert hash_inputs([there / name for name in contents], there, "flags") != key
