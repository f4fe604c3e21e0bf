"""A server that is a program of this machine: it gets little of our environment, and no line of it is endless.

The SDK's own transport reads lines of any length, hands every stray line to the log and needs a file for stderr.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from tierwise_tools.mcp.last_words import LastWords

LONGEST_LINE = 8_000_000
_STRAY_LINES = 1_000
_PATIENCE_S = 1.0

_live: set[asyncio.subprocess.Process] = set()
_stopping: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def stdio_transport(
    command: Sequence[str], extra: Mapping[str, str], last_words: LastWords, on_end: Callable[[], None]
) -> AsyncIterator[tuple[Any, Any]]:
    """Start a program and give the two streams that the SDK's client wants.

    Args:
        command: program and arguments.
        extra: environment beside what the SDK holds for harmless.
        last_words: told what comes on stderr, and the ending.
        on_end: called when the program says nothing more.

    Raises:
        OSError: if the program cannot be started.
    """
    import anyio
    from mcp.client.stdio import get_default_environment
    from mcp.shared.message import SessionMessage

    process = await asyncio.create_subprocess_exec(
        *command,
        env={**get_default_environment(), **extra},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        start_new_session=True,
    )
    _live.add(process)
    to_session, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_server, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [
        asyncio.create_task(_read(process, to_session, last_words, on_end)),
        asyncio.create_task(_write(process, from_session)),
        asyncio.create_task(_listen(process, last_words)),
    ]
    try:
        yield from_server, to_server
    finally:
        for stream in (to_session, from_server, to_server, from_session):
            stream.close()
        stopping = asyncio.create_task(_stop(process, tasks))  # goes on if this is cancelled: no program is left behind
        _stopping.add(stopping)
        stopping.add_done_callback(_stopping.discard)
        await asyncio.shield(stopping)


async def _read(
    process: asyncio.subprocess.Process, to_session: Any, last_words: LastWords, on_end: Callable[[], None]
) -> None:
    """Hand on what the server says; its end closes the stream, which ends every call that waits."""
    with to_session:
        try:
            last_words.ended(await _hand_on(process, to_session))
        finally:
            on_end()


async def _hand_on(process: asyncio.subprocess.Process, to_session: Any) -> str:
    """Hand on message by message; how it ended."""
    from mcp.shared.message import SessionMessage
    from mcp.types import jsonrpc_message_adapter

    assert process.stdout is not None
    strays = 0
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:
            return f"sent a line of more than {LONGEST_LINE:,} bytes"
        if not line:
            return "stopped"
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            strays += 1
            if strays > _STRAY_LINES:
                return "writes to stdout what is no MCP message"
            await asyncio.sleep(0)  # a flood of them must not keep the loop from everything else
            continue
        await to_session.send(SessionMessage(message))


async def _write(process: asyncio.subprocess.Process, from_session: Any) -> None:
    assert process.stdin is not None
    with suppress(OSError):  # the server is gone; reading says so
        async for item in from_session:
            line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()


async def _listen(process: asyncio.subprocess.Process, last_words: LastWords) -> None:
    assert process.stderr is not None
    while text := await process.stderr.read(1 << 16):
        last_words.heard(text.decode("utf-8", "replace"))


async def _stop(process: asyncio.subprocess.Process, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Close its input, which asks it to end; then make it, with all that it started."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    for force in (None, "SIGTERM", "SIGKILL"):
        if force is not None:
            _signal(process, force)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                # not wait(): it also waits for pipes that a child may have kept
                while process.returncode is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        if process.returncode is not None:
            break
    _signal(process, "SIGKILL")
    _live.discard(process)
    transport = getattr(process, "_transport", None)  # nothing public closes pipes that a survivor holds open
    if transport is not None:
        transport.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _signal(process: asyncio.subprocess.Process, name: str) -> None:
    """To the process and, where there are process groups, to whatever it started."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, getattr(signal, name))


@atexit.register
def _stop_all() -> None:
    """The program ends: the loop's thread ends with it, and cannot stop anything any more."""
    for process in tuple(_live):
        _signal(process, "SIGKILL")
