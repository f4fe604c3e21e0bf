"""The dialog that is open. It is remembered, so that it stays open when the page behind it is drawn anew."""

from __future__ import annotations

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.knowledge import Collection
from tierwise_app.copies import is_upload
from tierwise_app.text import one_line
from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.knowledge.document import draw_document
from tierwise_app.web.knowledge.listing import name_of
from tierwise_app.web.knowledge.opening import close, opened
from tierwise_app.web.knowledge.work import start_remove
from tierwise_app.web.words import plain, say


def draw_open() -> None:
    """Draw the dialog that is open, if one is."""
    match opened():
        case ("document", collection, path):
            title = plain(one_line(name_of(path), 80))
            draw = st.dialog(title, width="medium", icon=":material/description:", on_dismiss=close)(draw_document)
            draw(collection, path)
        case ("unlock", name):
            title = say("knowledge.unlock.title", name=name)
            st.dialog(title, icon=":material/lock_open:", on_dismiss=close)(_draw_unlock)(name)
        case ("remove", name):
            title = say("knowledge.remove.title", name=name)
            st.dialog(title, icon=":material/delete:", on_dismiss=close)(_draw_remove)(name)


def _named(name: str) -> Collection | None:
    return next((c for c in desk().copilot.knowledge.collections() if c.name == name), None)


def _draw_unlock(name: str) -> None:
    collection = _named(name)
    if collection is None:
        st.info(say("knowledge.collections.gone"))
        return
    st.markdown(say("knowledge.unlock.text", documents=counted("documents", collection.sources)))
    away = [tier.name for tier in desk().settings.tiers if not tier.stays_on_device]
    if away:
        st.markdown(say("knowledge.unlock.tiers", names=", ".join(away)))
    else:
        st.markdown(say("knowledge.unlock.no_tiers"))
    st.caption(say("knowledge.unlock.also"))
    with st.container(horizontal=True):
        if st.button(say("knowledge.unlock.yes"), key="knowledge-unlock-yes", icon=":material/lock_open:"):
            _unlock(name)
        if st.button(say("knowledge.unlock.no"), key="knowledge-unlock-no", type="primary"):
            close()
            st.rerun()


def _unlock(name: str) -> None:
    try:
        desk().copilot.knowledge.set_lock(name, False)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    close()
    st.toast(say("knowledge.collections.now_free", name=name), icon=":material/lock_open:")
    st.rerun()


def _draw_remove(name: str) -> None:
    collection = _named(name)
    if collection is None:
        st.info(say("knowledge.collections.gone"))
        return
    documents = counted("documents", collection.sources)
    st.markdown(say("knowledge.remove.collection", documents=documents, name=name))
    paths = [s.path for s in desk().copilot.knowledge.sources(name)]
    if any(is_upload(desk().settings.home, path) for path in paths):
        st.markdown(say("knowledge.remove.copies"))
    with st.container(horizontal=True):
        if st.button(say("knowledge.remove.yes"), key="knowledge-remove-yes", icon=":material/delete:"):
            start_remove(desk(), None, collection=name)
            close()
            st.rerun()
        if st.button(say("knowledge.remove.no"), key="knowledge-remove-no", type="primary"):
            close()
            st.rerun()
