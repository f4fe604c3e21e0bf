"""The ``tierwise`` command: one small file for each command or group."""

from tierwise_app.cli.commands import app, main

__all__ = ["app", "main"]
