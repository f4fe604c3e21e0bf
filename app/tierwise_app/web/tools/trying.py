"""A tool in full, and running it by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.checks import tiers_in_use
from tierwise_app.stopping import run_while
from tierwise_app.text import clean, one_line
from tierwise_app.tool_calling import call_folder, check_call
from tierwise_app.tool_facts import asking_of, losses_of, parameter_lines
from tierwise_app.tool_shelf import ToolFailed
from tierwise_app.waiting_calls import argument_lines
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.dialogs import leave_dialog, open_dialog
from tierwise_app.web.jobs import Job
from tierwise_app.web.tools.fields import draw_fields, read_fields
from tierwise_app.web.tools.listing import asking_words, draw_effects
from tierwise_app.web.tools.sources import origin_words, tool_named, toolset
from tierwise_app.web.words import plain, raw, say
from tierwise_tools.effects import only_reads
from tierwise_tools.errors import ToolError

if TYPE_CHECKING:
    from tierwise_tools import Tool, ToolResult

CALL = "tool"
_MOST_SHOWN = 20_000  # characters of a result


def draw_tool(name: str) -> None:
    """Draw all about a tool, and a form of its arguments."""
    tool = tool_named(toolset(desk()), name)
    if tool is None:
        st.info(say("tools.try.gone", name=name), icon=":material/info:")
        return
    st.text(clean(tool.description))
    with st.container(horizontal=True):
        draw_effects(tool.effects)
    _draw_facts(tool)
    st.subheader(say("tools.try.title"), anchor=False)
    with st.form(f"tools.try.{name}", border=False):
        given = draw_fields(tool.parameters, f"tools.try.{name}")
        wanted = st.form_submit_button(say("tools.try.run"), type="primary", icon=":material/play_arrow:")
    if not wanted:
        return
    try:
        arguments = read_fields(tool.parameters, given)
        check_call(tool, arguments, desk().settings)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if may_simply_run(tool):
        start_call(desk(), tool, arguments)
        leave_dialog("tools")
    open_dialog("tools", "run", name=name, arguments=arguments)
    st.rerun()


def draw_question(name: str, arguments: dict[str, Any]) -> None:
    """Ask before a tool runs that does more than read."""
    tool = tool_named(toolset(desk()), name)
    if tool is None:
        st.info(say("tools.try.gone", name=name), icon=":material/info:")
        return
    does = [say(f"tools.does.{effect}") for effect in tool.effects if effect != "read"] or [say("tools.does.read")]
    st.warning(say("tools.try.can", name=name) + " " + ", ".join(does) + ".", icon=":material/front_hand:")
    st.caption(origin_words(tool.origin))
    st.code("\n".join(argument_lines(arguments)), language=None, wrap_lines=True)
    with st.container(horizontal=True):
        if st.button(say("tools.try.yes"), type="primary", key="tools.run.yes"):
            try:
                check_call(tool, arguments, desk().settings)
            except TierwiseError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            start_call(desk(), tool, arguments)
            leave_dialog("tools")
        if st.button(say("work.back"), key="tools.run.back"):
            open_dialog("tools", "tool", name=name)
            st.rerun()


def may_simply_run(tool: Tool[..., Any]) -> bool:
    """Whether nobody has to be asked before it is tried: it does nothing but read."""
    return only_reads(tool.effects) and tool.asks != "always"


def start_call(desk: Desk, tool: Tool[..., Any], arguments: dict[str, Any]) -> Job:
    """Run a tool as a job, within its limits."""
    from tierwise_tools import ToolContext

    copilot = desk.copilot

    def work(job: Job) -> ToolResult:
        job.tell(raw("tools.try.runs"))
        with call_folder(copilot.settings.home) as folder:
            context = ToolContext(
                search=lambda query, k: copilot.knowledge.search(query, k=k),
                progress=lambda text: job.tell(one_line(text)),
                cancelled=lambda: not job.wanted,
                folder=folder,
            )
            try:
                return run_while(lambda: job.wanted, tool.run(arguments, context))
            except ToolError as error:
                raise ToolFailed(str(error)) from error

    return desk.jobs.start(CALL, tool.name, work)


def draw_result(job: Job, actions: Any) -> None:
    """What a call gave."""
    result: ToolResult = job.result
    st.success(say("tools.try.done", name=job.title), icon=":material/check_circle:")
    text = clean(result.text)
    st.code(text[:_MOST_SHOWN] or " ", language=None, wrap_lines=True, height=300 if len(text) > 1500 else "content")
    if len(text) > _MOST_SHOWN:
        st.caption(say("tools.try.cut", shown=f"{_MOST_SHOWN:,}", count=f"{len(text):,}"))
    for number, file in enumerate(result.files):
        if file.path.is_file():
            actions.download_button(
                say("tools.try.file", title=one_line(file.title, 80)),
                data=partial(file.path.read_bytes),
                file_name=file.path.name,
                mime=file.mime,
                icon=":material/download:",
                key=f"tools.file.{job.id}.{number}",
                on_click="ignore",
            )


def _draw_facts(tool: Tool[..., Any]) -> None:
    copilot = desk().copilot
    with st.expander(say("tools.facts.title"), icon=":material/info:"):
        limits = say(
            "tools.facts.limits_are",
            time=f"{tool.bounds.seconds:g} s",
            characters=f"{tool.bounds.characters:,}",
        )
        facts = {
            "origin": origin_words(tool.origin),
            "asks": asking_words(asking_of(tool, copilot.settings, copilot.record)),
            "limits": limits,
            "result": say(f"tools.facts.{'trusted' if tool.trusted else 'untrusted'}"),
            "again": say(f"tools.facts.{'repeatable' if tool.may_repeat else 'once'}"),
        }
        st.table({say(f"tools.facts.{key}"): text for key, text in facts.items()}, border="horizontal")
        lines = list(parameter_lines(tool.parameters))
        st.caption(say("tools.facts.takes" if lines else "tools.facts.takes_nothing"))
        if lines:
            st.code("\n".join(clean(line) for line in lines), language=None, wrap_lines=True)
        for losses, tiers in _losses(tool).items():
            st.caption(say("tools.facts.losses", tiers=", ".join(tiers)))
            st.code("\n".join(clean(loss) for loss in losses), language=None, wrap_lines=True)


def _losses(tool: Tool[..., Any]) -> dict[tuple[str, ...], list[str]]:
    """What of the schema is not told, with the tiers whose models are not told it."""
    found: dict[tuple[str, ...], list[str]] = {}
    for tier in tiers_in_use(desk().settings):
        if losses := losses_of(tool, tier):
            found.setdefault(tuple(losses), []).append(tier.name)
    return found
