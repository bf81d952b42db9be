"""The Automation API on the toolchain: inline programs and local ones."""

from __future__ import annotations

import pulumi
import pytest
from pulumi import automation


def workspace_options(toolchain, project, **more):
    command = automation.PulumiCommand(root=str(toolchain.directory.root))
    return automation.LocalWorkspaceOptions(env_vars=project.environment, pulumi_command=command, **more)


def test_an_inline_program(toolchain, project):
    def program() -> None:
        pulumi.export("greeting", pulumi.Config().require("greeting"))

    settings = automation.ProjectSettings(name="inline", runtime="python")
    stack = automation.create_or_select_stack(
        stack_name="local-inline",
        project_name="inline",
        program=program,
        opts=workspace_options(toolchain, project, project_settings=settings),
    )
    stack.set_config("greeting", automation.ConfigValue("hello"))
    assert stack.preview().change_summary == {"create": 1}
    assert stack.up().outputs["greeting"].value == "hello"
    assert stack.up(expect_no_changes=True).summary.result == "succeeded"
    assert stack.destroy().summary.result == "succeeded"


def test_a_local_program_and_its_failure(toolchain, project):
    project.program("pulumi.export('value', Thing('thing', value='1').value)")
    stack = automation.select_stack(
        stack_name="local-test", work_dir=str(project.folder), opts=workspace_options(toolchain, project)
    )
    assert stack.up().outputs["value"].value == "1"

    project.program("raise RuntimeError('out of numbers')")
    with pytest.raises(automation.CommandError, match="out of numbers"):
        stack.up()
