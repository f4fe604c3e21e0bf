"""The yes to what an MCP server says of its tools, and taking a source out."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.config_tools import drop_source
from tierwise_app.text import clean
from tierwise_app.tool_adding import add_server, forget_server, only
from tierwise_app.tool_shelf import source_failures
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.dialogs import leave_dialog
from tierwise_app.web.jobs import Job
from tierwise_app.web.tools.servers import REVIEW, Found
from tierwise_app.web.tools.sources import configuration
from tierwise_app.web.words import plain, raw, say

if TYPE_CHECKING:
    from tierwise_tools.mcp.review import Reviewed

ADD = "mcp-add"


def draw_review(job_id: str) -> None:
    """Show what a server says of its tools, and let a person accept exactly that."""
    job = next((job for job in desk().jobs.of(REVIEW) if job.id == job_id and job.result is not None), None)
    if job is None:
        st.info(say("tools.review.gone"), icon=":material/info:")
        return
    found: Found = job.result
    review = found.review
    st.markdown(say("tools.review.intro", name=found.server))
    chosen, words = set(), set()
    for label, items in (("new", review.new), ("changed", review.changed)):
        for one in items:
            accept, show = _draw_definition(label, one, job_id)
            if accept:
                chosen.add(one.name)
            if accept and show:
                words.add(one.definition.name)
    for name in review.removed:
        st.markdown(f":material/remove_circle: {say('tools.review.removed', name=name)}")
    for problem in review.problems:
        st.markdown(f":material/warning: {say('tools.aside.line', name=problem.name, text=clean(problem.text))}")
    if review.same:
        st.caption(say("tools.review.same", names=", ".join(one.name for one in review.same)))
    count = len(chosen) + len(review.same)
    with st.container(horizontal=True):
        if st.button(
            say("tools.review.accept", count=count),
            type="primary",
            key="tools.review.accept",
            disabled=not count,
        ):
            start_accepting(desk(), found, chosen, words)
            desk().jobs.dismiss(job_id)
            leave_dialog("tools")
        if st.button(say("work.cancel"), key="tools.review.cancel"):
            leave_dialog("tools")


def start_accepting(desk: Desk, found: Found, names: Collection[str], words: Collection[str]) -> Job:
    """Accept what was chosen of a review, and write a new server down, as a job.

    Args:
        desk: the server's.
        found: what was shown.
        names: the tools that are accepted beside those that are as before, by the names that were shown.
        words: tools that look suspicious and whose words models may read, by the server's own names.
    """
    settings = desk.settings

    def work(job: Job) -> str:
        job.tell(raw("tools.review.opens"))
        with source_failures():
            only(found.review, names).accept(words=words)
        if found.entry is not None:
            add_server(settings, configuration(settings), found.entry, found.review)
        desk.reopen()
        return found.server

    return desk.jobs.start(ADD, found.server, work)


def draw_accepted(job: Job, _actions: Any) -> None:
    """Say that a server's tools are on."""
    st.success(say("tools.review.accepted", name=str(job.result)), icon=":material/check_circle:")


def draw_removal(name: str) -> None:
    """Show what taking a source out would change, and do it."""
    settings = desk().settings
    try:
        file = configuration(settings)
        kind = drop_source(file, name)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if kind is None:
        st.info(say("tools.remove.gone", name=name), icon=":material/info:")
        return
    st.markdown(say(f"tools.remove.{kind}", name=name))
    st.caption(say("tools.remove.file", path=file.path))
    st.code("\n".join(file.diff.split("\n")[2:]), language="diff", wrap_lines=True)
    with st.container(horizontal=True):
        if st.button(say("tools.servers.remove"), type="primary", key="tools.remove.yes"):
            try:
                file.write()
                if kind == "mcp":
                    forget_server(settings, name)
                desk().reopen()
            except TierwiseError as error:
                st.error(plain(str(error)), icon=":material/error:")
            else:
                leave_dialog("tools", say("tools.remove.done", name=name))
        if st.button(say("work.cancel"), key="tools.remove.cancel"):
            leave_dialog("tools")


def _draw_definition(label: str, one: Reviewed, job_id: str) -> tuple[Any, Any]:
    """A tool as its server describes it; whether it is accepted, and whether its words are shown to models."""
    with st.container(border=True):
        accept = st.checkbox(
            say(f"tools.review.{label}", name=one.name),
            value=not one.warnings,
            key=f"tools.accept.{job_id}.{one.name}",
        )
        st.code(clean(one.text), language="diff" if label == "changed" else None, wrap_lines=True)
        if not one.warnings:
            return accept, False
        for warning in one.warnings:
            st.warning(plain(warning), icon=":material/warning:")
        show = st.checkbox(
            say("tools.review.words"),
            key=f"tools.words.{job_id}.{one.name}",
            help=say("tools.review.words_help"),
            disabled=not accept,
        )
        return accept, show
