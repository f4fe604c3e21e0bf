"""The list of documents, a page at a time."""

from __future__ import annotations

import streamlit as st

from tierwise_app.text import size, when
from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.knowledge.listing import ORDERS, STATUSES, Entry, entries
from tierwise_app.web.knowledge.opening import open_
from tierwise_app.web.words import plain, raw, say

PAGE = 50
_ICONS = {"read": ":material/description:", "warned": ":material/warning:", "failed": ":material/error:"}


@st.fragment
def draw_documents(collection: str | None) -> None:
    """Draw the documents of a collection, or of all, with a filter above; only this part is drawn anew by it."""
    st.subheader(raw("knowledge.documents.heading"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            say("knowledge.documents.search"),
            key="knowledge-filter",
            placeholder=raw("knowledge.documents.search_placeholder"),
            type="search",
            width=260,
        )
        status = st.selectbox(
            say("knowledge.documents.status"),
            STATUSES,
            key="knowledge-status",
            format_func=lambda status: raw(f"knowledge.documents.statuses.{status}"),
            width=210,
        )
        order = st.selectbox(
            say("knowledge.documents.order"),
            ORDERS,
            key="knowledge-order",
            format_func=lambda order: raw(f"knowledge.documents.orders.{order}"),
            width=140,
        )
    knowledge = desk().copilot.knowledge
    sources, failures = knowledge.sources(collection), knowledge.failures(collection)
    found = entries(sources, failures, words=words or "", status=status, order=order)
    if not found:
        st.info(say(f"knowledge.documents.{'none_match' if sources or failures else 'none_here'}"))
        return
    pages = -(-len(found) // PAGE)
    # Another filter or collection begins at its first page.
    key = f"knowledge-page-{collection}-{words}-{status}-{order}"
    page = min(pages, st.pagination(pages, key=key)) if pages > 1 else 1
    first = PAGE * (page - 1)
    shown = found[first : first + PAGE]
    st.caption(
        say(
            "knowledge.documents.shown",
            first=f"{first + 1:,}",
            last=f"{first + len(shown):,}",
            count=f"{len(found):,}",
        )
    )
    with st.container(gap="xxsmall"):
        for entry in shown:
            _draw_entry(entry, named=collection is None)


def _draw_entry(entry: Entry, *, named: bool) -> None:
    with st.container(gap=None):
        if st.button(
            plain(entry.name),
            key=f"entry-{entry.key}",
            icon=_ICONS[entry.status],
            help=say("knowledge.documents.open_help", name=entry.path),
            type="tertiary",
            wrap=True,
        ):
            open_("document", entry.collection, entry.path)
            st.rerun()  # dialogs are drawn by the page
        st.caption(facts(entry, named=named))


def facts(entry: Entry, *, named: bool) -> str:
    """What a line of the list says of a document, in Markdown.

    Args:
        entry: the document.
        named: its collection is among them.
    """
    said = [plain(entry.collection)] if named else []
    if entry.failure is not None:
        said.append(f"**{say('knowledge.documents.statuses.failed')}**: {plain(entry.failure.error)}")
    if (source := entry.source) is not None:
        said += [plain(counted("pages", source.pages))] if source.pages else []
        said += [plain(counted("passages", source.passages)), plain(size(source.bytes)), plain(when(source.ingested))]
        said += [f"{say('knowledge.report.status.warning')}: {plain(warning)}" for warning in source.warnings]
    return " · ".join(said)
