"""Plain ``pulumi`` on the toolchain: programs, plugins, policy packs, errors."""

from __future__ import annotations

import json
import sys
import venv

import pytest

THREE_THINGS = """
class Group(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("scratch:index:Group", name, {})
        for number in range(2):
            Thing(f"{name}-{number}", value=str(number), opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({})

Group("group")
config = pulumi.Config()
thing = Thing("thing", value=config.get("value") or "first")
pulumi.export("value", thing.value)
"""


def test_a_stacks_life(project):
    project.program(THREE_THINGS)

    preview = project.pulumi("preview")
    assert preview.returncode == 0, preview.stdout
    assert "5 to create" in preview.stdout

    created = project.pulumi("up", "--yes")
    assert created.returncode == 0, created.stdout
    assert "5 created" in created.stdout

    unchanged = project.pulumi("up", "--yes", "--expect-no-changes")
    assert unchanged.returncode == 0, unchanged.stdout

    assert project.pulumi("config", "set", "value", "second").returncode == 0
    updated = project.pulumi("up", "--yes")
    assert "1 updated" in updated.stdout
    assert project.pulumi("stack", "output", "value").stdout.strip() == "second"

    refreshed = project.pulumi("refresh", "--yes", "--expect-no-changes")
    assert refreshed.returncode == 0, refreshed.stdout

    destroyed = project.pulumi("destroy", "--yes")
    assert destroyed.returncode == 0, destroyed.stdout
    assert "5 deleted" in destroyed.stdout
    assert project.processes() == []


def test_what_a_program_prints_is_shown_and_nothing_else(project):
    project.program("print('printed by the program')")
    shown = project.pulumi("up", "--yes", "--skip-preview").stdout
    assert "printed by the program" in shown
    # The engine warns of every plugin that it takes from PATH instead of from where it belongs.
    assert "warning" not in shown.lower()


def test_secrets_are_encrypted_in_state_and_reach_the_program_by_neither_arguments_nor_environment(project):
    secret = "open-sesame-4711"
    assert project.pulumi("config", "set", "--secret", "word", secret).returncode == 0
    project.program(
        """
        from pathlib import Path
        word = pulumi.Config().require_secret("word")
        told = Path("/proc/self/cmdline").read_text() + Path("/proc/self/environ").read_text()
        parent = Path(f"/proc/{__import__('os').getppid()}")
        told += (parent / "cmdline").read_text() + (parent / "environ").read_text()
        pulumi.export("told", word.apply(lambda text: "yes" if text in told else "no"))
        pulumi.export("word", word)
        """
    )
    up = project.pulumi("up", "--yes")
    assert up.returncode == 0, up.stdout
    assert project.pulumi("stack", "output", "told", "--show-secrets").stdout.strip() == "no"
    assert project.pulumi("stack", "output", "word", "--show-secrets").stdout.strip() == secret
    written = [file.read_text() for file in project.folder.parent.rglob("*.json*") if file.is_file()]
    assert written
    assert not any(secret in text for text in written)


def test_an_exception_is_shown_once_from_the_programs_own_line_on(project):
    project.program(
        """
        def build():
            raise KeyError("no such tenant")
        build()
        """
    )
    failed = project.pulumi("up", "--yes", "--skip-preview", "--diff")
    assert failed.returncode != 0
    assert failed.stdout.count("KeyError: 'no such tenant'") == 1
    assert failed.stdout.count("Traceback") == 1
    assert "in build" in failed.stdout
    assert "language_host" not in failed.stdout
    assert "runpy" not in failed.stdout


def test_a_run_error_is_a_message_without_traceback(project):
    project.program("raise pulumi.RunError('set slug to a-z, 0-9 and -')")
    failed = project.pulumi("preview", "--diff")
    assert failed.returncode != 0
    assert failed.stdout.count("set slug to a-z, 0-9 and -") == 1
    assert "Traceback" not in failed.stdout


def test_an_exit_code_of_the_program_fails_the_run(project):
    project.program("raise SystemExit(3)")
    failed = project.pulumi("preview")
    assert failed.returncode != 0
    assert "exited with non-zero exit code: 3" in failed.stdout


def test_a_program_ended_by_a_signal_fails_the_run_and_names_it(project):
    project.program("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    failed = project.pulumi("preview")
    assert failed.returncode != 0
    assert "SIGKILL" in failed.stdout


def test_a_missing_program_is_named(project):
    (project.folder / "__main__.py").unlink()
    failed = project.pulumi("preview")
    assert failed.returncode != 0
    assert "__main__.py is missing" in failed.stdout


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("{virtualenv: nowhere}", "nowhere is not a virtual environment"),
        ("{toolchain: poetry}", "toolchain: 'poetry' is not supported; use pip or uv"),
        ("{typechecker: mypy}", "typechecker is not supported"),
    ],
)
def test_wrong_runtime_options_are_refused_by_name(project, options, complaint):
    project.write("Pulumi.yaml", f"{{name: scratch, runtime: {{name: python, options: {options}}}}}")
    failed = project.pulumi("preview")
    assert failed.returncode != 0
    assert complaint in failed.stdout


def test_the_program_runs_in_the_virtual_environment_that_the_project_names(project):
    venv.create(project.folder / "own", with_pip=False, symlinks=True)
    site_packages = next(project.folder.glob("own/lib/python3*/site-packages"))
    theirs = next(path for path in sys.path if path.endswith("site-packages"))
    (site_packages / "sdk.pth").write_text(theirs)
    project.write("Pulumi.yaml", "{name: scratch, main: src, runtime: {name: python, options: {virtualenv: own}}}")
    project.write(
        "src/__main__.py",
        """
        import os, sys, pulumi
        import beside
        pulumi.export("prefix", sys.prefix)
        pulumi.export("active", os.environ["VIRTUAL_ENV"])
        pulumi.export("folder", os.getcwd())
        pulumi.export("root", pulumi.get_root_directory())
        """,
    )
    project.write("src/beside.py", "")
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout
    outputs = json.loads(project.pulumi("stack", "output", "--json").stdout)
    own = str(project.folder / "own")
    assert outputs == {
        "prefix": own,
        "active": own,
        "folder": str(project.folder / "src"),
        "root": str(project.folder),
    }


def test_a_module_of_the_project_is_not_hidden_by_one_of_the_toolchain(project):
    project.write("cache.py", "origin = 'project'")
    project.write("program.py", "origin = 'project'")
    project.program("import cache, program; pulumi.export('origins', [cache.origin, program.origin])")
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout


POLICY = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def no_seven(args, report):
    if args.resource_type == "scratch:index:Thing" and args.props.get("value") == "7":
        report("value 7 is taken")

PolicyPack(
    name="scratch-policies",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[ResourceValidationPolicy("no-seven", "No thing holds 7.", no_seven)],
)
"""


def test_a_mandatory_policy_stops_preview_and_up(project):
    project.write("policies/PulumiPolicy.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n")
    project.write("policies/__main__.py", POLICY)

    project.program("Thing('thing', value='6')")
    allowed = project.pulumi("up", "--yes", "--policy-pack", "policies")
    assert allowed.returncode == 0, allowed.stdout
    assert "scratch-policies" in allowed.stdout

    project.program("Thing('thing', value='7')")
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        refused = project.pulumi(*command, "--policy-pack", "policies")
        assert refused.returncode != 0
        assert "value 7 is taken" in refused.stdout
    state = json.loads(project.pulumi("stack", "export").stdout)
    values = [resource.get("inputs", {}).get("value") for resource in state["deployment"]["resources"]]
    assert "7" not in values
    assert project.processes() == []


def test_a_policy_pack_that_fails_to_start_is_shown(project):
    project.write("policies/PulumiPolicy.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n")
    project.write("policies/__main__.py", "raise ValueError('the rules are missing')")
    failed = project.pulumi("preview", "--policy-pack", "policies")
    assert failed.returncode != 0
    assert "the rules are missing" in failed.stdout


def test_a_component_package_without_main_is_hosted_by_its_name(project):
    project.write(
        "Pulumi.yaml",
        "{name: scratch, runtime: python, plugins: {providers: [{name: my-group, path: ./my_group}]}}",
    )
    project.write("my_group/PulumiPlugin.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n")
    project.write("my_group/pyproject.toml", '[project]\nname = "my-group"\nversion = "0.1.0"\n')
    project.write(
        "my_group/my_group/__init__.py",
        """
        from typing import TypedDict
        import pulumi

        class GroupArgs(TypedDict):
            size: pulumi.Input[int]

        class Group(pulumi.ComponentResource):
            size: pulumi.Output[int]
            def __init__(self, name: str, args: GroupArgs, opts: pulumi.ResourceOptions | None = None):
                super().__init__("my-group:index:Group", name, {}, opts)
                self.size = pulumi.Output.from_input(args["size"])
                self.register_outputs({"size": self.size})
        """,
    )
    project.environment["PYTHONPATH"] = str(project.folder / "my_group")
    project.program(
        """
        class Group(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("my-group:index:Group", name, {"size": 4}, remote=True)
        Group("group")
        """
    )
    up = project.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout
    assert "2 created" in up.stdout


def test_about_lists_what_is_installed(project):
    about = json.loads(project.pulumi("about", "--json").stdout)
    assert about["runtime"]["executable"] == sys.executable
    plugins = {plugin["name"] for plugin in about["plugins"]}
    assert {"kubernetes", "postgresql", "random"} <= plugins
    dependencies = {dependency["name"] for dependency in about["dependencies"]}
    # Only what nothing else requires, as `pip list --not-required` says it.
    assert "grpcio" not in dependencies


def test_install_installs_the_requirements(project):
    project.write("Pulumi.yaml", f"{{name: scratch, runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}}}")
    project.write("requirements.txt", "pulumi\n")
    done = project.pulumi("install", "--no-plugins")
    assert done.returncode == 0, done.stdout
    project.write("requirements.txt", "./no-such-folder\n")
    failed = project.pulumi("install", "--no-plugins")
    assert failed.returncode != 0
    assert "no-such-folder" in failed.stdout
