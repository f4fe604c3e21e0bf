"""Collections: choosing one, its lock, its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.knowledge import Collection
from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.knowledge.opening import open_
from tierwise_app.web.knowledge.work import start_ingest
from tierwise_app.web.words import plain, raw, say

_CHOICE = "knowledge-collection"
_MOST_ROWS = 20
ALL = ""  # no collection can be named so; nothing chosen would be shown as such


def chosen_collection(collections: Sequence[Collection]) -> str | None:
    """Let a person choose a collection; ``None`` is all of them."""
    names = [c.name for c in collections]
    if not names:
        return None
    if st.session_state.get(_CHOICE) not in names:
        st.session_state[_CHOICE] = ALL
    chosen = st.selectbox(
        say("knowledge.collections.label"),
        [ALL, *names],
        key=_CHOICE,
        format_func=lambda name: _option(collections, name),
    )
    return chosen if chosen in names else None


def draw_collections(collections: Sequence[Collection], chosen: str | None) -> None:
    """Draw what there is to know and to do about the chosen collection; a line for each if all are."""
    if not collections:
        st.info(say("knowledge.collections.empty"), icon=":material/library_books:")
        return
    one = next((c for c in collections if c.name == chosen), None)
    if one is not None:
        _draw_one(one)
        return
    pages = -(-len(collections) // _MOST_ROWS)
    page = st.pagination(pages, key="knowledge-collections-page") if pages > 1 else 1
    with st.container(border=True):
        for collection in collections[_MOST_ROWS * (page - 1) : _MOST_ROWS * page]:
            _draw_row(collection)


def _option(collections: Sequence[Collection], name: str) -> str:
    if name == ALL:
        return raw("knowledge.collections.all")
    one = next((c for c in collections if c.name == name), None)
    if one is None:
        return name
    key = "knowledge.collections.option_locked" if one.locked else "knowledge.collections.option"
    return raw(key, name=name, documents=counted("documents", one.sources))


def _draw_row(collection: Collection) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{say('knowledge.collections.row', name=collection.name)} · {_amount(collection)}", width="content"
        )
        _draw_lock_badge(collection)
        st.space("stretch")
        st.button(
            say("knowledge.collections.open"),
            key=f"knowledge-open-{collection.name}",
            help=say("knowledge.collections.open_help", name=collection.name),
            icon=":material/arrow_forward:",
            type="tertiary",
            on_click=_choose,
            args=(collection.name,),
        )


def _choose(name: str) -> None:
    st.session_state[_CHOICE] = name


def _amount(collection: Collection) -> str:
    return f"{plain(counted('documents', collection.sources))}, {plain(counted('passages', collection.passages))}"


def _draw_lock_badge(collection: Collection) -> None:
    if collection.locked:
        st.badge(say("knowledge.collections.locked"), icon=":material/lock:", color="green")
    else:
        st.badge(say("knowledge.collections.free"), icon=":material/lock_open:", color="gray")


def _draw_one(collection: Collection) -> None:
    name = collection.name
    failures = len(desk().copilot.knowledge.failures(name))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{say('knowledge.collections.row', name=name)} · {_amount(collection)}", width="content")
            _draw_lock_badge(collection)
        facts = [say("knowledge.collections.locked_means" if collection.locked else "knowledge.collections.free_means")]
        facts += [plain(counted("failed", failures)) + "\\."] if failures else []
        st.caption(" ".join(facts))
        with st.container(horizontal=True):
            if collection.locked:
                if _draw_button("unlock", name, ":material/lock_open:"):
                    open_("unlock", name)
            elif _draw_button("lock", name, ":material/lock:"):
                _act(_lock, name)
            if _draw_button("again", name, ":material/sync:"):
                _act(_read_again, name)
            if _draw_button("remove", name, ":material/delete:"):
                open_("remove", name)


def _draw_button(what: str, name: str, icon: str) -> bool:
    return st.button(
        say(f"knowledge.collections.{what}"),
        key=f"knowledge-{what}-{name}",
        help=say(f"knowledge.collections.{what}_help"),
        icon=icon,
    )


def _act(act: Callable[[str], None], name: str) -> None:
    try:
        act(name)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _lock(name: str) -> None:
    desk().copilot.knowledge.set_lock(name, True)
    st.toast(say("knowledge.collections.now_locked", name=name), icon=":material/lock:")
    st.rerun()


def _read_again(name: str) -> None:
    knowledge = desk().copilot.knowledge
    places = {s.origin or s.path for s in knowledge.sources(name)} | {f.path for f in knowledge.failures(name)}
    start_ingest(
        desk(),
        sorted(places),
        collection=name,
        lock=False,
        title=raw("knowledge.jobs.again_title", collection=name),
    )
    st.rerun()
