"""Adding documents: uploads, and what lies somewhere already."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tierwise.errors import InvalidInput, TierwiseError
from tierwise.knowledge import MAX_BYTES, Collection, check_collection_name
from tierwise_app.copies import MOST_FILES
from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.uploads import Upload, start_upload
from tierwise_app.web.knowledge.work import start_ingest
from tierwise_app.web.words import plain, raw, say

_ROUND = "knowledge-add-round"
_DEFAULT = "default"


def draw_adding(collections: Sequence[Collection]) -> None:
    """Draw the form; what was filled in stays until it is taken."""
    names = [c.name for c in collections]
    names = names if _DEFAULT in names else [_DEFAULT, *names]
    turn = st.session_state.setdefault(_ROUND, 0)  # a file uploader is emptied by being another one
    with st.form(f"knowledge-add-{turn}", border=False):
        files = st.file_uploader(
            say("knowledge.add.files"),
            accept_multiple_files=True,
            key=f"knowledge-files-{turn}",
            help=say("knowledge.add.files_help"),
            max_upload_size=MAX_BYTES >> 20,
        )
        st.caption(say("knowledge.add.limits", files=MOST_FILES))
        place = st.text_input(
            say("knowledge.add.place"),
            key=f"knowledge-place-{turn}",
            placeholder=raw("knowledge.add.place_placeholder"),
            help=say("knowledge.add.place_help"),
        )
        with st.container(horizontal=True):
            chosen = st.selectbox(
                say("knowledge.add.collection"),
                names,
                index=names.index(_DEFAULT),
                key="knowledge-add-collection",
                width=300,
            )
            new = st.text_input(
                say("knowledge.add.new"),
                key=f"knowledge-new-{turn}",
                placeholder=raw("knowledge.add.new_placeholder"),
                help=say("knowledge.add.new_help"),
                max_chars=64,
                width=300,
            )
        lock = st.checkbox(
            say("knowledge.add.lock"), key=f"knowledge-add-lock-{turn}", help=say("knowledge.add.lock_help")
        )
        if st.form_submit_button(say("knowledge.add.submit"), type="primary", icon=":material/add:"):
            _add(files or [], place or "", (new or "").strip() or chosen, lock)


def _add(files: Sequence[Upload], place: str, collection: str, lock: bool) -> None:
    place = place.strip()
    try:
        if not files and not place:
            raise InvalidInput(raw("knowledge.add.nothing"))
        check_collection_name(collection)
        if place:  # the one that may be refused comes first: then nothing has begun
            start_ingest(desk(), [place], collection=collection, lock=lock)
        if files:
            start_upload(desk(), files, collection=collection, lock=lock)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.session_state[_ROUND] += 1
    st.toast(say("knowledge.add.begun"), icon=":material/hourglass_top:")
    st.rerun()
