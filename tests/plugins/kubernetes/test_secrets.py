"""Secrets are readable nowhere: not in the state, not in what is shown, not in errors."""

from __future__ import annotations

import base64
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from hypothesis import given
from hypothesis import strategies as st

from local.toolchain.plugins.kubernetes.redaction import redact
from provider.plugin import Secret
from tests.plugins.kubernetes.world import Options, World, container, workload

PLANTED = "correct-horse-battery"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_secrets_stay_secret(world: World) -> None:
    def body(opts: Options, version: int = 1) -> None:
        word = pulumi.Output.secret(f"{PLANTED}-{version}")
        k8s.core.v1.Secret("secret", metadata=world.meta("secret"), string_data={"word": word}, opts=opts)
        # Not marked by the program, and secret all the same.
        data = {"word": encoded(f"{PLANTED}-{version}")}
        k8s.core.v1.Secret("plain", metadata=world.meta("plain"), data=data, opts=opts)
        k8s.core.v1.ConfigMap("config", metadata=world.meta("config"), data={"a": "1", "word": word}, opts=opts)
        env = [{"name": "WORD", "value": word}]
        k8s.apps.v1.Deployment(
            "app",
            metadata=world.meta("app"),
            spec={"replicas": 1, **workload({"a": "b"}, container(env=env))},
            opts=opts,
        )

    def refused(opts: Options) -> None:
        body(opts)
        spec: Any = {"clusterIP": pulumi.Output.secret(PLANTED), "ports": [{"port": 80}]}
        k8s.core.v1.Service("refused", metadata=world.meta("refused"), spec=spec, opts=opts)

    seen = [world.preview(world.inside(body))[1]]
    stack = world.stack(world.inside(body))
    seen.append(stack.up(color="never", show_secrets=False, log_to_std_err=True, log_verbosity=9).stdout)
    seen.append(world.preview(world.inside(lambda opts: body(opts, version=2)))[1])
    seen.append(world.failure(world.inside(refused)))
    world.refresh(world.inside(body))
    seen.append(world.state_text())

    assert "[secret]" in "".join(seen)
    for text in seen:
        assert PLANTED not in text
        assert encoded(PLANTED)[:20] not in text
    # They did reach the cluster.
    assert world.live("secret", "secret")["data"] == {"word": encoded(f"{PLANTED}-1")}
    assert world.live("configmap", "config")["data"]["word"] == f"{PLANTED}-1"
    # What isn't secret stays readable.
    recorded = world.resources()
    assert recorded["config"]["outputs"]["data"]["a"] == "1"
    assert recorded["app"]["outputs"]["spec"]["replicas"] == 1
    world.destroy()


@given(secret=st.text(min_size=4), before=st.text(), after=st.text(), nested=st.booleans())
def test_errors_never_quote_a_secret(secret: str, before: str, after: str, nested: bool) -> None:
    inputs = {"spec": {"list": [{"word": Secret(secret)}]}} if nested else {"spec": Secret({"word": secret})}
    assert secret not in redact(f"{before}{secret}{after}", inputs).replace("[secret]", "")
    assert encoded(secret) not in redact(f"Invalid value: {encoded(secret)}", inputs)


def test_the_data_of_a_secret_is_secret_without_a_mark() -> None:
    inputs = {"kind": "Secret", "data": {"word": encoded(PLANTED)}, "stringData": {"other": "second-word"}}
    shown = redact(f"bad value {PLANTED}, {encoded(PLANTED)} or second-word", inputs)
    assert shown == "bad value [secret], [secret] or [secret]"
