"""The page as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from tierwise_app.checks import offline_word
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import draw_dialog, draw_said
from tierwise_app.web.job_lines import DrawResult, draw_jobs
from tierwise_app.web.tools.approvals import draw_approvals
from tierwise_app.web.tools.calls import draw_calls
from tierwise_app.web.tools.documents import draw_document_form, draw_documents, draw_operations
from tierwise_app.web.tools.listing import draw_tools
from tierwise_app.web.tools.reviewing import ADD, draw_accepted, draw_removal, draw_review
from tierwise_app.web.tools.servers import REVIEW, draw_found, draw_server_form, draw_servers
from tierwise_app.web.tools.sources import toolset
from tierwise_app.web.tools.switching import draw_asking, draw_turning_on
from tierwise_app.web.tools.trying import CALL, draw_question, draw_result, draw_tool
from tierwise_app.web.words import plain, say

if TYPE_CHECKING:
    from tierwise_tools import Toolset

_PARTS: dict[str, Callable[[Toolset], None]] = {
    "tools": draw_tools,
    "servers": draw_servers,
    "documents": draw_documents,
    "approvals": draw_approvals,
    "calls": lambda _: draw_calls(),
}
_OUTCOMES: dict[str, DrawResult] = {CALL: draw_result, REVIEW: draw_found, ADD: draw_accepted}


def draw() -> None:
    """Draw the page."""
    st.title(say("app.pages.tools"))
    draw_said()
    if failed := st.session_state.pop("tools.failed", None):
        st.error(plain(failed), icon=":material/error:")
    if word := offline_word(desk().settings):
        st.info(say(f"tools.stays.{word}"), icon=":material/lock:")
    draw_jobs("tools", tuple(_OUTCOMES), lambda job, actions: _OUTCOMES[job.kind](job, actions))
    part = st.segmented_control(
        say("tools.part"),
        list(_PARTS),
        default="tools",
        required=True,
        format_func=lambda key: say(f"tools.parts.{key}"),
        key="tools.part",
        label_visibility="collapsed",
    )
    with st.spinner(say("tools.opening")):
        found = toolset(desk())
    _PARTS[part or "tools"](found)
    draw_dialog(
        "tools",
        {
            "tool": (lambda about: plain(about["name"]), draw_tool),
            "run": (say("tools.dialogs.run"), draw_question),
            "on": (lambda about: say("tools.dialogs.on", name=about["name"]), draw_turning_on),
            "asks": (say("tools.dialogs.asks"), draw_asking),
            "server": (say("tools.dialogs.server"), draw_server_form),
            "review": (say("tools.dialogs.review"), draw_review),
            "remove": (say("tools.dialogs.remove"), draw_removal),
            "document": (say("tools.dialogs.document"), draw_document_form),
            "operations": (say("tools.dialogs.operations"), draw_operations),
        },
    )
