"""MCP servers: which there are, what was accepted of each, and adding one after a look at what it offers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from tierwise.errors import InvalidInput, TierwiseError, UnknownName
from tierwise_app.config_file import variable_name
from tierwise_app.stopping import run_while
from tierwise_app.text import clean, one_line
from tierwise_app.tool_adding import header_entry, may_ask, review_server, server_of, source_entry
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.dialogs import leave_dialog, open_dialog
from tierwise_app.web.job_lines import begin, is_running
from tierwise_app.web.jobs import Job
from tierwise_app.web.words import plain, raw, say

if TYPE_CHECKING:
    from tierwise_tools import Toolset
    from tierwise_tools.mcp import McpServer
    from tierwise_tools.mcp.review import Review

REVIEW = "mcp-review"
_USUAL = ("write", "network")


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a server gave.

    Attributes:
        server: its name.
        review: what it offers.
        entry: what is to be written down of a server that is new; ``None`` for one that is there.
    """

    server: str
    review: Review
    entry: dict[str, Any] | None = None


def draw_servers(found: Toolset) -> None:
    """Draw every server, and the way to add one."""
    st.caption(say("tools.servers.intro"))
    servers = desk().settings.tools.mcp
    if not servers:
        st.info(say("tools.servers.none"), icon=":material/info:")
    for server in servers:
        with st.container(border=True, key=f"tools.server.{server.name}"):
            _draw_server(server, found)
    form = partial(open_dialog, "tools", "server")
    st.button(say("tools.servers.add"), icon=":material/add:", key="tools.servers.add", on_click=form)


def start_review(desk: Desk, name: str, entry: dict[str, Any] | None = None) -> Job:
    """Look at what a server offers, as a job.

    Args:
        desk: the server's.
        name: of the MCP server.
        entry: that of a server that is not written down yet.

    Raises:
        TierwiseError: if it cannot be asked.
    """
    settings = desk.settings
    server = server_of(entry) if entry is not None else next((s for s in settings.tools.mcp if s.name == name), None)
    if server is None:
        raise UnknownName(f"There is no MCP server {name!r} any more.")
    may_ask(server, settings)

    def work(job: Job) -> Found:
        job.tell(raw("tools.review.asking"))
        return Found(name, run_while(lambda: job.wanted, review_server(server, settings)), entry)

    return desk.jobs.start(REVIEW, name, work)


def draw_found(job: Job, actions: Any) -> None:
    """Say that a server was looked at, and offer to decide."""
    found: Found = job.result
    review = found.review
    if review.is_settled and found.entry is None:
        text = say("tools.review.settled", name=found.server)
        st.success(text, icon=":material/check_circle:")
        return
    count = {"new": len(review.new), "changed": len(review.changed), "gone": len(review.removed)}
    st.info(say("tools.review.ready", name=found.server, **count), icon=":material/fact_check:")
    if actions.button(say("tools.review.look"), type="primary", key=f"tools.look.{job.id}"):
        open_dialog("tools", "review", job_id=job.id)
        st.rerun()


def draw_server_form() -> None:
    """The form of a new server; it is asked what it offers before anything is written."""
    kinds = {True: say("tools.servers.program"), False: say("tools.servers.address")}
    here = st.segmented_control(
        say("tools.servers.kind"),
        list(kinds),
        format_func=lambda kind: kinds[kind],
        default=True,
        required=True,
        key="tools.server.kind",
    )
    with st.form(f"tools.server.form.{here}", border=False):
        name = st.text_input(say("tools.servers.name"), help=say("tools.servers.name_help"), max_chars=24)
        command = url = env = headers = ""
        if here:
            command = st.text_input(
                say("tools.servers.command"),
                placeholder=raw("tools.servers.command_placeholder"),
                help=say("tools.servers.command_help"),
            )
            env = st.text_input(say("tools.servers.env"), help=say("tools.servers.env_help"))
        else:
            url = st.text_input(say("tools.servers.url"), placeholder=raw("tools.servers.url_placeholder"))
            headers = st.text_input(
                say("tools.servers.headers"),
                placeholder=raw("tools.servers.headers_placeholder"),
                help=say("tools.servers.headers_help"),
            )
        effects = st.multiselect(
            say("tools.servers.effects"),
            ["read", "write", "network", "execute"],
            default=list(_USUAL),
            format_func=lambda effect: raw(f"tools.effects.{effect}"),
            help=say("tools.servers.effects_help"),
        )
        st.caption(say("tools.servers.starts" if here else "tools.servers.connects"))
        wanted = st.form_submit_button(say("tools.servers.go" if here else "tools.servers.go_url"), type="primary")
    if not wanted:
        return
    try:
        entry: dict[str, Any] = {"name": name.strip(), "command": _command(command) if here else None}
        entry |= {"url": url.strip(), "env": [variable_name(word) for word in env.split()]}
        entry |= {"header_env": dict(header_entry(word) for word in headers.split())}
        entry |= {"effects": [] if set(effects) == set(_USUAL) else effects}
        entry = source_entry(desk().settings, entry, where="The name")
        start_review(desk(), entry["name"], entry)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        leave_dialog("tools")


def _command(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InvalidInput(f"The command cannot be read: {error}.", fix="Close its quotes.") from error
    if not words:
        raise InvalidInput("No program is named.", fix="Write it with its arguments, as in a terminal.")
    return words


def _draw_server(server: McpServer, found: Toolset) -> None:
    from tierwise.runtime import PINS
    from tierwise_tools.errors import SourceError
    from tierwise_tools.mcp import Pins

    tools = [tool for tool in found if tool.origin.kind == "mcp" and tool.origin.name == server.name]
    try:
        pins = Pins(desk().settings.home / PINS).of(server.pinned_as)
    except SourceError as error:
        pins = None
        st.error(plain(str(error)), icon=":material/error:")
    aside = [one for one in found.problems if one.name == server.name or one.name.startswith(f"{server.name}__")]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(server.name)}**", width="content")
        if pins is None:
            st.badge(say("tools.servers.unreviewed"), icon=":material/fact_check:", color="orange")
        elif any(one.name == server.name for one in aside):
            st.badge(say("tools.servers.failed"), icon=":material/error:", color="red")
        elif aside:
            st.badge(say("tools.servers.differs"), icon=":material/warning:", color="orange")
        else:
            st.badge(say("tools.servers.works"), icon=":material/check_circle:", color="green")
    st.code(clean(server.url or shlex.join(server.command)), language=None, wrap_lines=True)
    parts = [] if pins is None else [say("tools.servers.tools", count=len(tools), accepted=len(pins))]
    if server.env or server.header_env:
        names = ", ".join((*server.env, *server.header_env.values()))
        parts.append(say("tools.servers.given", names=names))
    if parts:
        st.caption(" · ".join(parts))
    for one in aside if pins is not None else ():
        st.markdown(f":material/warning: {say('tools.aside.line', name=one.name, text=one_line(one.text, 300))}")
    with st.container(horizontal=True):
        if st.button(
            say("tools.servers.review"),
            icon=":material/fact_check:",
            key=f"tools.review.{server.name}",
            help=say("tools.servers.review_help_url" if server.url else "tools.servers.review_help"),
            disabled=is_running((REVIEW,), server.name),
        ):
            begin(partial(start_review, desk(), server.name))
        st.button(
            say("tools.servers.remove"),
            icon=":material/delete:",
            key=f"tools.remove.{server.name}",
            on_click=partial(open_dialog, "tools", "remove", name=server.name),
        )
