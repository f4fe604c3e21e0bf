"""The dialogs of the page. Which one is open is kept, so that a rerun of the page loses nothing that was typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.prompts import Clash, Imported, Prompt, Shelf, import_files, suggested
from tierwise_app.web.prompts.asking import open_fill_dialog, take_done
from tierwise_app.web.prompts.editing import draw_edit
from tierwise_app.web.words import plain, raw, say

Kind = Literal["new", "edit", "use", "delete", "discard", "mend", "import"]
_OPEN, _PROBLEM, _REPORT = "prompts-open", "prompts-problem", "prompts-report"


@dataclass(frozen=True, slots=True)
class Opened:
    """The dialog that is open.

    Attributes:
        kind: which one.
        name: the prompt, or the file, that it is about.
        mark: what the prompt's file said when it was opened.
        suggested: the prompt is a suggested one.
    """

    kind: Kind
    name: str = ""
    mark: str = ""
    suggested: bool = False


def open_dialog(opened: Opened) -> None:
    """Open a dialog; it is drawn by :func:`draw_opened`."""
    close_dialog()
    st.session_state[_OPEN] = opened


def close_dialog() -> None:
    """Forget the dialog that is open."""
    for key in (_OPEN, _PROBLEM, _REPORT):
        st.session_state.pop(key, None)


def draw_opened(shelf: Shelf, own: Sequence[Prompt]) -> None:
    """Draw the dialog that is open, if one is."""
    if take_done():
        st.switch_page("app_pages/chat.py")
    opened: Opened | None = st.session_state.get(_OPEN)
    if opened is None:
        return
    among = suggested() if opened.suggested else own
    prompt = next((prompt for prompt in among if prompt.name == opened.name), None)
    if opened.kind in ("use", "edit", "delete") and prompt is None:
        close_dialog()
        st.toast(say("prompts.gone"), icon=":material/info:")
    elif opened.kind == "use" and prompt is not None:
        open_fill_dialog(prompt, "", "draft")
    elif opened.kind in ("new", "edit"):
        _show(
            say("prompts.editing.title" if prompt else "prompts.editing.new_title"),
            draw_edit,
            shelf,
            own,
            prompt,
            opened.mark,
        )
    elif opened.kind == "mend":
        _show(say("prompts.broken.mend_title"), _draw_mend, shelf, opened.name)
    elif opened.kind == "import":
        _show(say("prompts.take.title"), _draw_import, shelf)
    else:
        _show(say("prompts.delete_one.title"), _draw_delete, shelf, opened.name, prompt)


def _show(title: str, body: Callable[..., None], *args: object) -> None:
    st.dialog(title, width="medium", on_dismiss=close_dialog)(_within)(body, args)


def _within(body: Callable[..., None], args: tuple[object, ...]) -> None:
    if _OPEN not in st.session_state:  # a button of this dialog has closed it
        st.rerun()
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")
    body(*args)


def _draw_delete(shelf: Shelf, name: str, prompt: Prompt | None) -> None:
    file = f"{name}.md" if prompt else name
    if prompt:
        st.markdown(say("prompts.delete_one.ask", title=prompt.title, file=file))
    else:
        st.markdown(say("prompts.delete_one.ask_file", file=file))
    with st.container(horizontal=True):
        st.button(
            say("prompts.delete_one.yes"),
            key="prompts-delete-yes",
            type="primary",
            icon=":material/delete:",
            on_click=_try,
            args=(lambda: shelf.discard(file),),
        )
        st.button(say("prompts.cancel"), key="prompts-cancel", on_click=close_dialog)


def _draw_mend(shelf: Shelf, name: str) -> None:
    _, broken = shelf.read()
    one = next((one for one in broken if one.path.stem == name), None)
    if one is not None:
        st.markdown(plain(one.problem))
    st.text_area(f"{plain(name)}.md", value=one.text if one else "", key=f"mend-text-{name}", height=320)
    with st.container(horizontal=True):
        st.button(
            say("prompts.broken.save"),
            key="prompts-mend-save",
            type="primary",
            icon=":material/save:",
            on_click=_try,
            args=(lambda: shelf.save_text(name, str(st.session_state.get(f"mend-text-{name}", ""))),),
        )
        st.button(say("prompts.cancel"), key="prompts-cancel", on_click=close_dialog)


def _draw_import(shelf: Shelf) -> None:
    report: list[Imported] | None = st.session_state.get(_REPORT)
    if report is not None:
        for one in report:
            text = say(f"prompts.take.{one.outcome}", file=one.file, name=one.name, problem=one.problem)
            st.markdown(f"{':material/error:' if one.outcome == 'failed' else ':material/check:'} {text}")
        st.button(say("prompts.take.close"), key="prompts-cancel", on_click=close_dialog)
        return
    files = st.file_uploader(
        say("prompts.take.files"),
        type=["md", "zip"],
        accept_multiple_files=True,
        key="prompts-files",
        max_upload_size=20,
    )
    clash = st.segmented_control(
        say("prompts.take.clash"),
        ["both", "replace", "skip"],
        default="both",
        required=True,
        format_func=lambda word: say(f"prompts.take.{word}"),
        key="prompts-clash",
    )
    if st.button(say("prompts.take.go"), key="prompts-take", type="primary", icon=":material/upload:"):
        if not files:
            st.error(raw("prompts.take.nothing"), icon=":material/error:")
            return
        known: dict[str, Clash] = {"replace": "replace", "skip": "skip"}
        contents = [(file.name, file.getvalue()) for file in files]
        st.session_state[_REPORT] = import_files(shelf, contents, known.get(clash or "", "both"))
        st.rerun()


def _try(work: Callable[[], object]) -> None:
    """Do what a button of a dialog is for, and close the dialog if it went well."""
    try:
        work()
    except TierwiseError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        close_dialog()
