"""The page as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.prompts import Broken, Prompt, Shelf, all_tags, export_zip, search, suggested, write_text
from tierwise_app.prompts.prompt import NAME
from tierwise_app.text import when
from tierwise_app.web.desk import desk
from tierwise_app.web.prompts.asking import leave_draft
from tierwise_app.web.prompts.dialogs import Opened, draw_opened, open_dialog
from tierwise_app.web.words import plain, raw, say

_PAGE = 10


def draw() -> None:
    """Draw the page."""
    shelf = Shelf(desk().settings.home)
    own, broken = shelf.read()
    st.title(say("app.pages.prompts"), anchor=False)
    st.caption(say("prompts.about"))
    if saved := st.session_state.pop("prompts-saved", None):
        st.toast(say("prompts.saved", title=saved), icon=":material/check:")
    if problem := st.session_state.pop("prompts-page-problem", None):
        st.error(plain(problem), icon=":material/error:")
    _draw_tools(own)
    if broken:
        _draw_broken(broken)
    which = st.segmented_control(
        raw("prompts.which"),
        ["yours", "suggested"],
        default="yours" if own or broken else "suggested",
        required=True,
        format_func=lambda name: say(f"prompts.{name}", count=len(own) if name == "yours" else len(suggested())),
        key="prompts-which",
        label_visibility="collapsed",
        persist_state="session",
    )
    mine = which != "suggested"
    shown = own if mine else list(suggested())
    if mine and not own:
        st.info(say("prompts.none_yet"), icon=":material/bookmark_add:")
    else:
        _draw_list(shelf, shown, mine)
    if mine:
        st.caption(say("prompts.kept_in", folder=shelf.folder))
    draw_opened(shelf, own)


def _draw_tools(own: Sequence[Prompt]) -> None:
    with st.container(horizontal=True):
        st.button(
            say("prompts.new"),
            key="prompts-new",
            type="primary",
            icon=":material/add:",
            on_click=open_dialog,
            args=(Opened("new"),),
        )
        st.button(
            say("prompts.import"),
            key="prompts-import",
            icon=":material/upload:",
            on_click=open_dialog,
            args=(Opened("import"),),
        )
        st.download_button(
            say("prompts.export_all"),
            data=lambda: export_zip(own),
            file_name="prompts.zip",
            mime="application/zip",
            key="prompts-export",
            help=say("prompts.export_all_help"),
            icon=":material/download:",
            on_click="ignore",
            disabled=not own,
        )


def _draw_list(shelf: Shelf, prompts: Sequence[Prompt], mine: bool) -> None:
    query = st.text_input(
        say("prompts.search"),
        key="prompts-query",
        icon=":material/search:",
        placeholder=raw("prompts.search_placeholder"),
        label_visibility="collapsed",
        persist_state="page",
    )
    tags = all_tags(prompts)
    chosen = (
        st.pills(
            say("prompts.tags"),
            tags,
            selection_mode="multi",
            format_func=plain,
            key=f"prompts-tags-{'yours' if mine else 'suggested'}",
            label_visibility="collapsed",
        )
        if tags
        else []
    )
    found = search(prompts, query or "", [tag for tag in chosen or [] if tag in tags])
    if not found:
        st.info(say("prompts.none_found"), icon=":material/search_off:")
        return
    pages = -(-len(found) // _PAGE)
    key = f"prompts-page-{mine}-{pages}"
    page = min(max(1, st.session_state.get(key, 1)), pages)
    for prompt in found[(page - 1) * _PAGE : page * _PAGE]:
        _draw_prompt(shelf, prompt, mine)
    if pages > 1:
        st.pagination(pages, key=key)


def _draw_prompt(shelf: Shelf, prompt: Prompt, mine: bool) -> None:
    kind = "yours" if mine else "suggested"
    with st.container(border=True, key=f"prompt-{kind}-{prompt.name}"):
        st.markdown(f"**{plain(prompt.title)}**")
        if prompt.description:
            st.markdown(plain(prompt.description))
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            st.caption(say("prompts.called", name=prompt.name), width="content")
            for tag in prompt.tags:
                st.badge(plain(tag), color="gray")
        facts = []
        if prompt.variables:
            facts.append(say("prompts.needs", names=", ".join(variable.name for variable in prompt.variables)))
        if mine and prompt.updated:
            facts.append(say("prompts.updated", when=when(prompt.updated.timestamp())))
        if facts:
            st.caption(" · ".join(facts))
        with st.expander(say("prompts.text")):
            st.code(prompt.text, language=None, wrap_lines=True)
        with st.container(horizontal=True):
            _draw_actions(shelf, prompt, mine, kind)


def _draw_actions(shelf: Shelf, prompt: Prompt, mine: bool, kind: str) -> None:
    title = prompt.title
    if st.button(
        say("prompts.use"),
        key=f"use-{kind}-{prompt.name}",
        icon=":material/forum:",
        help=say("prompts.use_help", title=title),
    ):
        if prompt.variables:
            open_dialog(Opened("use", prompt.name, suggested=not mine))
        else:
            leave_draft(prompt.text)
            st.switch_page("app_pages/chat.py")
    if not mine:
        st.button(
            say("prompts.copy"),
            key=f"copy-{prompt.name}",
            type="tertiary",
            icon=":material/content_copy:",
            help=say("prompts.copy_help", title=title),
            on_click=_copy,
            args=(shelf, prompt),
        )
        return
    st.button(
        say("prompts.edit"),
        key=f"edit-{prompt.name}",
        type="tertiary",
        icon=":material/edit:",
        help=say("prompts.edit_help", title=title),
        on_click=open_dialog,
        args=(Opened("edit", prompt.name, shelf.mark(prompt.name)),),
    )
    st.download_button(
        say("prompts.export"),
        data=write_text(prompt),
        file_name=f"{prompt.name}.md",
        mime="text/markdown",
        key=f"export-{prompt.name}",
        type="tertiary",
        icon=":material/download:",
        help=say("prompts.export_help", title=title),
        on_click="ignore",
    )
    st.button(
        say("prompts.delete"),
        key=f"delete-{prompt.name}",
        type="tertiary",
        icon=":material/delete:",
        help=say("prompts.delete_help", title=title),
        on_click=open_dialog,
        args=(Opened("delete", prompt.name),),
    )


def _copy(shelf: Shelf, prompt: Prompt) -> None:
    try:
        saved = shelf.save(replace(prompt, name=shelf.free_name(prompt.name), created=None), mark="")
    except TierwiseError as error:
        st.session_state["prompts-page-problem"] = str(error)
    else:
        st.toast(say("prompts.copied", name=saved.name), icon=":material/check:")


def _draw_broken(broken: Sequence[Broken]) -> None:
    many = len(broken) > 1
    text = say("prompts.broken.title_many", count=len(broken)) if many else say("prompts.broken.title_one")
    with st.container(border=True, key="prompts-broken"):
        st.warning(text, icon=":material/warning:")
        for one in broken[:_PAGE]:
            file = one.path.name
            st.markdown(f"**{plain(file)}**")
            st.markdown(plain(one.problem))
            if one.text:
                with st.expander(say("prompts.broken.file", file=file)):
                    st.code(one.text, language=None, wrap_lines=True)
            with st.container(horizontal=True):
                if one.text and NAME.fullmatch(one.path.stem):
                    st.button(
                        say("prompts.broken.edit"),
                        key=f"mend-{file}",
                        icon=":material/edit:",
                        on_click=open_dialog,
                        args=(Opened("mend", one.path.stem),),
                    )
                st.button(
                    say("prompts.broken.delete"),
                    key=f"discard-{file}",
                    type="tertiary",
                    icon=":material/delete:",
                    on_click=open_dialog,
                    args=(Opened("discard", file),),
                )
