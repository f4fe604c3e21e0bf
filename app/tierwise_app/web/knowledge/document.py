"""One document: what is known of it, what was read from it, and its end."""

from __future__ import annotations

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.knowledge import Failure, Source
from tierwise_app.copies import is_upload
from tierwise_app.text import clean, one_line, size, when
from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.knowledge.listing import Entry, entries
from tierwise_app.web.knowledge.opening import close
from tierwise_app.web.knowledge.work import start_ingest, start_remove
from tierwise_app.web.words import plain, raw, say

_PART = 20_000  # characters of a page that are shown at once


def draw_document(collection: str, path: str) -> None:
    """Draw a document in a dialog: its problems, its text, the facts, and what can be done about it."""
    try:
        entry = _find(collection, path)
        if entry is None:
            st.info(say("knowledge.document.gone"))
            return
        _draw_problems(entry)
        if entry.source is not None:
            _draw_text(entry.source)
        st.table(_facts(entry), border="horizontal", width="stretch", alt=raw("knowledge.document.facts"))
        _draw_actions(entry)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _find(collection: str, path: str) -> Entry | None:
    knowledge = desk().copilot.knowledge
    sources = [s for s in knowledge.sources(collection) if s.path == path]
    failures = [f for f in knowledge.failures(collection) if f.path == path]
    return next(iter(entries(sources, failures)), None)


def _draw_problems(entry: Entry) -> None:
    if entry.failure is not None:
        _draw_failure(entry.failure, earlier=entry.source is not None)
    for warning in entry.source.warnings if entry.source else ():
        st.warning(plain(warning), icon=":material/warning:")


def _draw_failure(failure: Failure, *, earlier: bool) -> None:
    lines = [say("knowledge.document.failed", error=failure.error)]
    lines += [say("knowledge.document.fix", fix=failure.fix)] if failure.fix else []
    library = say("knowledge.document.library", original=one_line(failure.original or "", 500))
    lines += [library] if failure.original else []
    lines += [say("knowledge.document.earlier")] if earlier else []
    st.error("\n\n".join(lines), icon=":material/error:")


def _draw_text(source: Source) -> None:
    st.markdown(f"**{say('knowledge.document.text')}**", help=say("knowledge.document.text_help"))
    number = None
    if source.pages:
        number = _choose(say("knowledge.document.page"), source.pages, key="document-page")
    text = clean(desk().copilot.knowledge.source_text(source.path, number))
    parts = max(1, -(-len(text) // _PART))
    part = _choose(say("knowledge.document.part"), parts, key=f"document-part-{number}")
    text = text[_PART * (part - 1) : _PART * part]
    if text.strip():
        st.code(text, language=None, wrap_lines=True, height=320 if len(text) > 600 else "content")
    else:
        st.caption(say("knowledge.document.empty"))


def _choose(label: str, count: int, *, key: str) -> int:
    if count <= 1:
        return 1
    st.caption(label)
    return min(count, st.pagination(count, key=key))


def _facts(entry: Entry) -> dict[str, str]:
    facts = {"path": entry.path, "collection": entry.collection}
    if (source := entry.source) is not None:
        amount = [counted("pages", source.pages)] if source.pages else []
        facts |= {"title": source.title or "", "kind": source.kind, "size": size(source.bytes)}
        facts |= {"amount": ", ".join([*amount, counted("passages", source.passages)]), "read": when(source.ingested)}
        facts |= {"written": when(source.date)} if source.date else {}
        facts |= {"changed": when(source.modified)} if source.modified else {}
        facts |= {"labels": ", ".join(sorted(source.labels)), "access": ", ".join(sorted(source.access))}
        facts |= {"origin": source.origin} if source.origin != source.path else {}
    if entry.failure is not None:
        facts["failed_at"] = when(entry.failure.failed)
    return {say(f"knowledge.document.{name}"): plain(value) for name, value in facts.items() if value}


def _draw_actions(entry: Entry) -> None:
    asking = f"document-removing-{entry.key}"
    if st.session_state.get(asking):
        _draw_question(entry, asking)
        return
    with st.container(horizontal=True):
        if st.button(
            say("knowledge.document.again"),
            key=f"document-again-{entry.key}",
            icon=":material/sync:",
            help=say("knowledge.document.again_help"),
        ):
            start_ingest(desk(), [entry.path], collection=entry.collection, lock=False)
            close()
            st.rerun()
        st.button(
            say("knowledge.document.remove"),
            key=f"document-remove-{entry.key}",
            icon=":material/delete:",
            help=say("knowledge.collections.remove_help"),
            on_click=_ask,
            args=(asking, True),
        )


def _ask(asking: str, value: bool) -> None:
    st.session_state[asking] = value


def _draw_question(entry: Entry, asking: str) -> None:
    with st.container(border=True):
        what = say("knowledge.remove.document", name=entry.name, collection=entry.collection)
        copied = is_upload(desk().settings.home, entry.path)
        st.markdown(f"{what} {say('knowledge.remove.copy' if copied else 'knowledge.remove.stays')}")
        with st.container(horizontal=True):
            if st.button(say("knowledge.remove.yes"), key=f"document-remove-yes-{entry.key}", icon=":material/delete:"):
                st.session_state.pop(asking, None)
                start_remove(desk(), entry.path, collection=entry.collection)
                close()
                st.rerun()
            st.button(
                say("knowledge.remove.no"),
                key=f"document-remove-no-{entry.key}",
                type="primary",
                on_click=_ask,
                args=(asking, False),
            )
