"""Logs: one JSON object a line on standard output, without requests' bodies, headers or addresses of people."""

from __future__ import annotations

import logging.config


def configure(level: str = "INFO") -> None:
    """For the whole process. uvicorn's access log stays off: Traefik writes one, and /verify is asked all the time."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                    "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                }
            },
            "handlers": {
                "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
            },
            "root": {"level": level, "handlers": ["stdout"]},
            # Its warnings name the connection's host, ours say that the database doesn't answer.
            "loggers": {"psycopg.pool": {"level": "ERROR"}},
        }
    )
