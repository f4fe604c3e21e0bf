"""Where a message is written: the input with its files, and how it is to be asked."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tierwise.errors import TierwiseError, UsageError
from tierwise.runtime import new_thread_id
from tierwise.wish import WORDS
from tierwise_app.prompts import fill, find_prompt, missing, rest_of
from tierwise_app.web.chat import visit
from tierwise_app.web.chat.dialogs import note_problem
from tierwise_app.web.chat.live import is_live
from tierwise_app.web.desk import Desk
from tierwise_app.web.knowledge.uploads import start_upload
from tierwise_app.web.pending import Pending, ask_after
from tierwise_app.web.prompts.asking import begin_prompt
from tierwise_app.web.words import plain, raw, say

_UPLOADS = "uploads"
_LOCKED_UPLOADS = "uploads-locked"  # a lock is a collection's: the files of other threads stay as they are
_MOST_MB = 50
_DEVELOPER = {"-developer on": True, "-developer off": False}


def draw_composer(desk: Desk) -> bool:
    """Draw it at the bottom of the page, and begin what was sent.

    Returns:
        Whether it rests because something goes on in the thread.
    """
    thread = visit.thread()
    busy = is_live(thread)
    if visit.DRAFT in st.session_state:
        st.session_state[visit.INPUT] = st.session_state.pop(visit.DRAFT)
    with st.bottom:
        _draw_wishes(desk, thread)
        sent = st.chat_input(
            raw("chat.busy" if busy else "chat.placeholder"),
            key=visit.INPUT,
            accept_file="multiple",
            max_upload_size=_MOST_MB,
            disabled=busy,
        )
    if sent and submit(desk, sent.text, list(sent.files)):
        st.rerun()  # before anything else is drawn: what was sent shows at once, and the input rests
    return busy


def submit(desk: Desk, text: str, files: list[Any]) -> bool:
    """Begin what a person sent: a turn, files to read and then a turn, a prompt by its name, or the developer card.

    Returns:
        Whether the page is to be drawn anew: it is not while a dialog asks for what a prompt lacks.
    """
    text = text.strip()
    if text in _DEVELOPER:
        desk.prefer(developer=_DEVELOPER[text])
        st.toast(say("chat.developer_on" if _DEVELOPER[text] else "chat.developer_off"), icon=":material/terminal:")
        return True
    try:
        if text.startswith("/") and not files and begin_prompt(desk, text):
            return is_live(visit.thread())
        ask(desk, _filled(desk, text) if files else text, files)
    except TierwiseError as error:
        st.session_state[visit.DRAFT] = text
        note_problem(error)
    return True


def ask(desk: Desk, text: str, files: list[Any] | None = None) -> None:
    """Ask in the open thread, or begin one.

    Raises:
        UsageError: if a turn runs in the thread.
        TierwiseError: if the message cannot be asked.
    """
    thread = visit.thread() or new_thread_id()
    if is_live(thread):
        raise UsageError("An answer is being written in this thread.", fix="Stop it, or wait for its end.")
    options = visit.options(desk)
    st.session_state["ask-lock-sent"] = True  # the lock of a message holds for one message
    if files:
        locked = options["lock"] or desk.copilot.record.is_locked(thread)
        collection = _LOCKED_UPLOADS if locked else options["collection"] or _UPLOADS
        job = start_upload(desk, files, collection=collection, lock=locked)
        ask_after(desk, Pending(thread, text, job), lambda report: options | _about(report, collection))
    else:
        desk.ask(text, thread=thread, **options)
    visit.open_thread(thread)


def _filled(desk: Desk, text: str) -> str:
    """A message that comes with files, filled in if it calls a prompt.

    Raises:
        UsageError: if the prompt lacks something: while a dialog asks for it, the files would be gone.
    """
    prompt = find_prompt(desk.settings.home, text) if text.startswith("/") else None
    if prompt is None:
        return text
    rest = rest_of(text)
    if missing(prompt, {}, rest):
        raise UsageError(f"/{prompt.name} asks for more, and cannot take files with it.", fix="Send the files first.")
    return fill(prompt, {}, rest)


def _about(report: Any, collection: str) -> dict[str, Any]:
    """What a message that came with files is about: the one file, or the collection they went to."""
    read = [] if report is None else [one.path for one in report.sources if one.status != "failed"]
    return {"collection": collection, "document": read[0]} if len(read) == 1 else {"collection": collection}


def _draw_wishes(desk: Desk, thread: str | None) -> None:
    if st.session_state.pop("ask-lock-sent", False):
        st.session_state["ask-lock"] = False
    tiers = desk.copilot.tiers
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="wishes"):
        if len(tiers) > 1:
            names = ["auto", "quick", "deep"]
            names += [tier.name for tier in tiers if tier.name not in names]
            st.segmented_control(
                raw("chat.tier"),
                names,
                default="auto",
                required=True,
                format_func=lambda name: (
                    say(f"chat.tiers.{name}") if name in ("auto", "quick", "deep") else plain(name)
                ),
                key="ask-tier",
                label_visibility="collapsed",
                help=say("chat.tier_help"),
                persist_state="session",
            )
        _draw_lock(desk, thread)
        with st.popover(say("chat.options"), icon=":material/tune:", type="tertiary", help=say("chat.options_help")):
            _draw_options(desk)


def _draw_lock(desk: Desk, thread: str | None) -> None:
    record = desk.copilot.record
    if desk.settings.locked:
        st.caption(say("chat.lock_app"))
    elif thread is not None and record.is_locked(thread):
        st.caption(say("chat.lock_thread"))
    else:
        st.toggle(say("chat.lock"), key="ask-lock", help=say("chat.lock_help"), persist_state="session")


def _draw_options(desk: Desk) -> None:
    st.segmented_control(
        say("chat.dial"),
        list(WORDS),
        default=desk.settings.dial if desk.settings.dial in WORDS else None,
        format_func=lambda word: say(f"chat.dials.{word}"),
        key="ask-dial",
        help=say("chat.dial_help"),
        persist_state="session",
    )
    st.selectbox(
        say("chat.collection"),
        [None, *visit.collection_names(desk)],
        format_func=lambda name: raw("chat.all_collections") if name is None else str(name),
        key="ask-collection",
        persist_state="session",
    )
    st.toggle(
        say("chat.grounded"),
        value=desk.settings.grounded,
        key="ask-grounded",
        help=say("chat.grounded_help"),
        persist_state="session",
    )
