"""The process that stands for the cluster's pods: ``python -m local.echo --data FOLDER --port PORT``."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from local.echo.network import PodNetwork
from local.echo.programs import Programs
from local.kubernetes.api import ClusterApi
from local.ports import LOOPBACK
from local.traefik.authority import Authority
from local.traefik.issuer import Issuer


def main(
    data: Annotated[Path, typer.Option(help="Folder of the certificate authority.")],
    port: Annotated[int, typer.Option(help="Port of the SOCKS5 server on the loopback interface.")],
    kubeconfig: Annotated[Path, typer.Option(help="The cluster whose pods are played.")],
    elsewhere: Annotated[
        list[str] | None, typer.Option(help="APP=FILE: an app that somebody else runs; the file holds its HOST:PORT.")
    ] = None,
) -> None:
    """Answer as the cluster's pods, and issue its certificates, until a signal comes."""
    authority = Authority(data)
    authority.ensure()
    given = dict(pair.split("=", 1) for pair in elsewhere or [])
    programs = Programs(kubeconfig, data / "programs")
    network = PodNetwork(kubeconfig, programs, {app: Path(file) for app, file in given.items()})
    stopped = threading.Event()
    issuer = threading.Thread(target=Issuer(authority).run, args=(lambda: ClusterApi(kubeconfig), stopped), daemon=True)
    issuer.start()

    async def serve() -> None:
        task = asyncio.current_task()
        assert task is not None, "this is a task"
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signal_number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await network.serve(LOOPBACK, port)

    try:
        asyncio.run(serve())
    finally:
        stopped.set()
        programs.stop()


typer.run(main)
