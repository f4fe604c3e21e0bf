"""The index of vectors: making it again."""

from __future__ import annotations

import streamlit as st

from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.work import start_rebuild
from tierwise_app.web.words import plain, say


def draw_index() -> None:
    """Draw what the index is for, and the way to make it again."""
    degraded = desk().copilot.knowledge.degraded
    with st.expander(say("knowledge.index.title"), icon=":material/build_circle:", expanded=degraded is not None):
        if degraded is not None:
            st.warning(plain(degraded), icon=":material/warning:")
        st.caption(say("knowledge.index.text"))
        running = any(not job.over for job in desk().jobs.of("rebuild"))
        if st.button(
            say("knowledge.index.rebuild"), key="knowledge-rebuild", icon=":material/build:", disabled=running
        ):
            start_rebuild(desk())
            st.rerun()
