"""The page as a whole."""

from __future__ import annotations

import streamlit as st

from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.adding import draw_adding
from tierwise_app.web.knowledge.asking import draw_open
from tierwise_app.web.knowledge.collections import chosen_collection, draw_collections
from tierwise_app.web.knowledge.documents import draw_documents
from tierwise_app.web.knowledge.index import draw_index
from tierwise_app.web.knowledge.progress import draw_jobs
from tierwise_app.web.knowledge.trying import draw_trying
from tierwise_app.web.words import say


def draw() -> None:
    """Draw the page."""
    st.title(say("app.pages.knowledge"))
    st.caption(say("knowledge.intro"))
    draw_jobs()
    collections = desk().copilot.knowledge.collections()
    documents, add, trying = st.tabs(
        [say("knowledge.tabs.documents"), say("knowledge.tabs.add"), say("knowledge.tabs.try")],
        default=None if collections else say("knowledge.tabs.add"),
        key="knowledge-tabs",
    )
    with documents:
        chosen = chosen_collection(collections)
        draw_collections(collections, chosen)
        if collections:
            draw_documents(chosen)
            st.space("small")
            draw_index()
    with add:
        draw_adding(collections)
    with trying:
        draw_trying(collections)
    draw_open()
