"""One connection to one server: made when it is needed, bounded in everything, and made again when it was lost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from tierwise_tools.errors import SourceError, ToolError
from tierwise_tools.mcp.definitions import Definition
from tierwise_tools.mcp.last_words import LastWords
from tierwise_tools.mcp.listing import Listing, list_definitions
from tierwise_tools.mcp.over_http import http_transport
from tierwise_tools.mcp.over_stdio import stdio_transport
from tierwise_tools.mcp.redaction import redacted
from tierwise_tools.mcp.settings import McpServer
from tierwise_tools.mcp.words import clean_words
from tierwise_tools.text import cut, first_line

CONNECT_S = 8.0
_CLOSE_S = 5.0
_LONGEST_WAIT_S = 60.0
_LONGEST_ERROR = 1_000
_PROGRESS_TOLD = 100
# What the SDK makes of an answer that broke off, and of a session that the server does not know any more.
_LOST_OVER_HTTP = (-32000, -32600)


@dataclass(slots=True)
class _Live:
    """A connection that stands; ``task`` holds it open until ``stop`` is set or the server goes."""

    client: Any
    task: asyncio.Task[None]
    stop: asyncio.Event
    listing: Listing | None = None

    @property
    def stands(self) -> bool:
        """Neither side has ended it."""
        return not (self.stop.is_set() or self.task.done())


class Connection:
    """To one server. All methods run in one event loop, the one of the background."""

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self._lock = asyncio.Lock()
        self._live: _Live | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_words = LastWords(())
        self._failures = 0
        self._not_before = 0.0

    async def refresh(self) -> Listing:
        """Connect if there is no connection, and ask what the server offers.

        Raises:
            SourceError: if it cannot be reached or gives no list within 8 seconds.
        """
        need_mcp()
        async with self._lock:
            try:
                async with asyncio.timeout(CONNECT_S):
                    live = await self._connected()
                    live.listing = await list_definitions(live.client, self._server)
                    return live.listing
            except Exception as error:
                self._drop()
                self._failed()
                raise self._unusable(error) from error
            except BaseException:  # cancelled: half a connection is none
                self._drop()
                raise

    async def call(self, expected: Definition, arguments: dict[str, Any], progress: Callable[[str], None]) -> Any:
        """Call a tool, on a new connection if the last one was lost.

        Args:
            expected: what the server has to say of the tool still.
            arguments: checked already.
            progress: told what the server says on the way, cleaned.

        Raises:
            ToolError: if the server cannot be reached, changed the tool, refuses, or goes away during the call.
        """
        from mcp import MCPError
        from mcp.types import CallToolResult

        live = await self._ready()
        assert live.listing is not None
        offered = live.listing.definition(expected.name)
        if offered is None or offered.sha256 != expected.sha256:
            raise ToolError(
                f"the MCP server {self._server.name} changed this tool after it was accepted, so it was not called; "
                "its user has to review it"
            )
        told = 0

        async def on_progress(done: float, total: float | None, message: str | None) -> None:
            nonlocal told
            told += 1
            if told <= _PROGRESS_TOLD:
                share = f"{done:g} of {total:g}" if total else f"{done:g}"
                progress(clean_words(message or share, 200))

        # not the client's own call_tool: it would go on asking where we have refused
        asked = live.client.session.call_tool(
            expected.name, arguments, progress_callback=on_progress, allow_input_required=True
        )
        work = asyncio.create_task(asked)
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({work, live.task}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ConnectionError("the connection ended")
            result = work.result()
            self._failures = 0
            if not isinstance(result, CallToolResult):
                raise ToolError(
                    f"the MCP server {self._server.name} wanted to ask its user or a model, which is not allowed"
                )
            return result
        except ToolError:
            raise
        except MCPError as error:
            if not (live.stop.is_set() or (self._server.url and error.code in _LOST_OVER_HTTP)):
                raise ToolError(self._refused(error)) from error
            self._lost(live)
            raise ToolError(self._gone(error)) from error
        except (RuntimeError, ValueError) as error:  # a result that does not follow the protocol or its own schema
            raise ToolError(self._refused(error)) from error
        except Exception as error:
            self._lost(live)
            raise ToolError(self._gone(error)) from error
        finally:
            work.cancel()

    async def close(self) -> None:
        """End the connection; a server that does not want to end is left to the background after 5 seconds."""
        task = self._live.task if self._live else None
        self._drop()
        if task is not None:
            await asyncio.wait({task}, timeout=_CLOSE_S)

    async def _ready(self) -> _Live:
        """A connection whose list is known and not out of date."""
        live = self._live
        if live is not None and live.stands and live.listing is not None:
            return live
        if live is not None and not live.stands:
            self._lost(live)
        wait = self._not_before - time.monotonic()
        if wait > 0:
            raise ToolError(f"the MCP server {self._server.name} failed just now; try again in {wait:.0f} seconds")
        try:
            await self.refresh()
        except SourceError as error:
            raise ToolError(error.what) from error
        assert self._live is not None
        return self._live

    async def _connected(self) -> _Live:
        if self._live is not None and self._live.stands:
            return self._live
        self._last_words = LastWords(given_values(self._server))
        made: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(self._hold(_transport(self._server, self._last_words, stop.set), made, stop))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            self._live = _Live(await made, task, stop)
        except BaseException:
            task.cancel()
            raise
        return self._live

    async def _hold(
        self, transport: AbstractAsyncContextManager[Any], made: asyncio.Future[Any], stop: asyncio.Event
    ) -> None:
        """Hold the connection open: what the SDK enters has to be left in the same task."""
        from mcp import Client

        async def on_message(message: Any) -> None:
            if getattr(message, "method", "") == "notifications/tools/list_changed" and self._live is not None:
                self._live.listing = None

        try:
            # no callbacks: the server may neither ask our models nor our user, and has no folders of ours
            async with Client(transport, cache=None, message_handler=on_message) as client:
                if not made.done():
                    made.set_result(client)
                await stop.wait()
        except Exception as error:
            if not made.done():
                made.set_exception(error)

    def _drop(self) -> None:
        if self._live is not None:
            self._live.stop.set()
            self._live = None

    def _lost(self, live: _Live) -> None:
        """This connection is of no use any more; others that called on it may have noticed before."""
        if self._live is live:
            self._drop()
            self._failed()

    def _failed(self) -> None:
        """The first failure is forgiven at once; then each makes the next attempt wait twice as long."""
        self._failures += 1
        if self._failures > 1:
            self._not_before = time.monotonic() + min(2.0 ** (self._failures - 2), _LONGEST_WAIT_S)

    def _unusable(self, error: Exception) -> SourceError:
        if isinstance(error, SourceError):
            return error
        name, why = self._server.name, "" if str(self._last_words) else f" {first_line(cause(error))}."
        if isinstance(error, TimeoutError):
            what = f"The MCP server {name} did not answer within {CONNECT_S:g} seconds."
        elif self._server.command and isinstance(error, FileNotFoundError | PermissionError):
            what = f"The MCP server {name} cannot be started: {self._server.command[0]} is no program here."
        else:
            what = f"The MCP server {name} cannot be used.{self._safe(why)}"
        fix = "Run its command in a terminal to see why." if self._server.command else "See whether it runs there."
        return SourceError(what + str(self._last_words), fix=fix)

    def _refused(self, error: Exception) -> str:
        return f"the MCP server {self._server.name} could not do this: {self._safe(first_line(cause(error)))}"

    def _gone(self, error: Exception) -> str:
        why = str(self._last_words) or f" {self._safe(first_line(cause(error)))}."
        return (
            f"the MCP server {self._server.name} went away during the call, and whether it did something is not known."
            f"{why}"
        )

    def _safe(self, text: str) -> str:
        return cut(redacted(text, self._last_words.secrets), _LONGEST_ERROR)


def need_mcp() -> None:
    """Load the SDK, which takes a second.

    Raises:
        SourceError: if it is not installed.
    """
    try:
        import mcp  # noqa: F401
    except ImportError as error:
        raise SourceError("MCP needs a package that is not installed.", fix='pip install "tierwise[mcp]"') from error


def given_values(server: McpServer) -> tuple[str, ...]:
    """The values of our environment that a server gets; they are told to nobody else."""
    names = (*server.env, *server.header_env.values())
    return tuple(value for name in names if (value := os.environ.get(name)))


def cause(error: BaseException) -> BaseException:
    """The first error in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _transport(
    server: McpServer, last_words: LastWords, on_end: Callable[[], None]
) -> AbstractAsyncContextManager[Any]:
    missing = [name for name in (*server.env, *server.header_env.values()) if not os.environ.get(name)]
    if missing:
        raise SourceError(
            f"The MCP server {server.name} needs the environment variable {missing[0]}, which is not set.",
            fix=f"Set {missing[0]}, or take it out of the server's configuration.",
        )
    if server.url is not None:
        headers = {header: os.environ[name] for header, name in server.header_env.items()}
        return http_transport(server.url, headers, last_words)
    return stdio_transport(server.command, {name: os.environ[name] for name in server.env}, last_words, on_end)
