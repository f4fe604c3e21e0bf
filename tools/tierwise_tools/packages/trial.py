"""Tries the import of a package in a process of its own, which may hang or die without harm."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tierwise_tools.errors import SourceError
from tierwise_tools.packages.listing import InstalledPackage

# -P and the caller's own path: the trial sees exactly the modules that the import here is going to see.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from tierwise_tools.packages.trial import answer; answer(*sys.argv[2:])"
)


async def try_import(package: InstalledPackage, seconds: float) -> None:
    """Import a package in another process, which is ended with all its children whatever comes of it.

    Args:
        package: to import.
        seconds: how long that may take, the start of the process included.

    Raises:
        SourceError: if it fails, hangs, ends or crashes the process, or gives no tool.
    """
    with tempfile.TemporaryDirectory(prefix="tierwise-") as folder:
        # The answer comes in a file: a child that the package leaves behind could hold a pipe open for ever.
        outcome = Path(folder) / "outcome.json"
        arguments = ["-P", "-c", _PROGRAM, json.dumps(sys.path, default=str), json.dumps(asdict(package)), str(outcome)]
        nowhere = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
            )
        except OSError as error:
            raise package.refused(f"could not be tried, as no process can be started: {error}") from error
        try:
            async with asyncio.timeout(seconds):
                code = await process.wait()
        except TimeoutError:
            raise package.refused(took_too_long(seconds)) from None
        finally:
            await _end(process)
        _read_outcome(package, outcome, code)


def answer(package: str, outcome: str) -> None:
    """What the other process does: import, write down how it went, end at once."""
    from tierwise_tools.packages.loading import load

    refused = None
    try:
        load(InstalledPackage(**json.loads(package)))
    except SourceError as error:
        refused = [error.what, error.fix]
    Path(outcome).write_text(json.dumps({"refused": refused}), encoding="utf-8")
    os._exit(0)  # threads and exit handlers of the package must not hold up the answer


def took_too_long(seconds: float) -> str:
    """The word about an import that does not end."""
    return f"was not imported within {seconds:g} seconds"


def _read_outcome(package: InstalledPackage, outcome: Path, code: int) -> None:
    try:
        refused = json.loads(outcome.read_text(encoding="utf-8"))["refused"]
    except (OSError, ValueError):
        if code < 0:
            raise package.refused(f"crashes the process at import ({_signal(-code)})") from None
        raise package.refused(f"ends the process at import (exit code {code})") from None
    if refused:
        raise SourceError(refused[0], fix=refused[1])


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # it leads a group of its own, with what the import started
        elif process.returncode is None:
            process.kill()
    await process.wait()
