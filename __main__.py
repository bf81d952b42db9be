"""The program: read what the environment's files say, and build it. `pulumi up` and `foundation up` both run it."""

import os
from pathlib import Path

import pulumi

from components import source_positions
from components.access import cluster, database_server, gateway_redis, hetzner_project, missing_secrets
from components.environment import Environment, EnvironmentArgs
from local.directory import DEFAULT_NAME, ENVIRONMENT_VARIABLE
from models.loading import InvalidInput, load_environment

PROJECT = Path(__file__).resolve().parent


def place(path: str) -> Path:
    """A file that the settings name: below `.foundation/` it follows FOUNDATION_DIR, else it is the project's."""
    first, *rest = Path(path).parts
    directory = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(directory, *rest) if directory and first == DEFAULT_NAME else Path(path)


def main() -> None:
    config = pulumi.Config()
    try:
        loaded = load_environment(PROJECT, pulumi.get_stack())
        if missing := missing_secrets(loaded, config):
            raise pulumi.RunError("\n".join(missing))
        server = database_server(loaded.settings.postgresql, config.require_secret, place)
        hetzner = hetzner_project(loaded.settings.hetzner, config.require_secret, place)
        redis = gateway_redis(loaded.settings.gateway.redis, place)
    except InvalidInput as error:
        raise pulumi.RunError("\n".join(str(problem) for problem in error.problems)) from None
    except FileNotFoundError as error:
        raise pulumi.RunError(f"{error.filename} isn't there; is the environment's sandbox up (make up)?") from None
    except LookupError as error:
        raise pulumi.RunError(str(error.args[0])) from None
    environment = Environment(
        "foundation",
        EnvironmentArgs(
            loaded=loaded,
            cluster=cluster(loaded.settings.kubernetes, config.require_secret, place),
            hetzner=hetzner,
            database_server=server,
            secret=config.require_secret,
            redis=redis,
        ),
    )
    pulumi.export("tenants", environment.tenants)
    if environment.cluster is not None:
        pulumi.export("ingress_ipv4", environment.cluster.ingress_ipv4)
        pulumi.export("nameservers", environment.cluster.nameservers)
        pulumi.export("kubeconfig", environment.cluster.kubeconfig)


with source_positions.left_out():
    main()
