"""OpenAPI documents: which there are, and adding one with the operations that are wanted."""

from __future__ import annotations

import asyncio
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit as st

from tierwise.errors import Blocked, InvalidInput, TierwiseError
from tierwise.home import open_home, private
from tierwise_app.checks import offline_word
from tierwise_app.config_file import variable_name
from tierwise_app.text import clean, one_line
from tierwise_app.tool_adding import add_document, document_of, name_of_document, source_entry
from tierwise_app.tool_shelf import ToolFailed, source_failures
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.dialogs import leave_dialog, open_dialog
from tierwise_app.web.tools.sources import configuration
from tierwise_app.web.words import plain, raw, say

if TYPE_CHECKING:
    from tierwise_tools import Toolset
    from tierwise_tools.openapi import Api, ApiDocument, Operation

_LARGEST = 20_000_000  # bytes of a document
_PATIENCE = 30.0  # seconds that a document may take to come


def draw_documents(found: Toolset) -> None:
    """Draw every document, and the way to add one."""
    st.caption(say("tools.documents.intro"))
    documents = desk().settings.tools.openapi
    if not documents:
        st.info(say("tools.documents.none"), icon=":material/info:")
    for document in documents:
        with st.container(border=True, key=f"tools.document.{document.name}"):
            _draw_document(document, found)
    form = partial(open_dialog, "tools", "document")
    st.button(say("tools.documents.add"), icon=":material/add:", key="tools.documents.add", on_click=form)


def draw_document_form() -> None:
    """Where a document is; it is read before its operations are chosen."""
    ways = ("upload", "path", "address")
    way = st.segmented_control(
        say("tools.documents.way"),
        ways,
        format_func=lambda word: say(f"tools.documents.{word}"),
        default="upload",
        required=True,
        key="tools.document.way",
    )
    with st.form(f"tools.document.form.{way}", border=False):
        upload, place = None, ""
        if way == "upload":
            upload = st.file_uploader(say("tools.documents.file"), type=["yaml", "yml", "json"], max_upload_size=20)
        elif way == "path":
            place = st.text_input(say("tools.documents.path"), placeholder=raw("tools.documents.path_placeholder"))
        else:
            place = st.text_input(
                say("tools.documents.address"),
                placeholder=raw("tools.documents.address_placeholder"),
                help=say("tools.documents.address_help"),
            )
        name = st.text_input(say("tools.documents.name"), help=say("tools.documents.name_help"), max_chars=24)
        base_url = st.text_input(say("tools.documents.base_url"), help=say("tools.documents.base_url_help"))
        key_env = st.text_input(say("tools.documents.key"), help=say("tools.documents.key_help"))
        wanted = st.form_submit_button(say("tools.documents.read"), type="primary")
    if not wanted:
        return
    try:
        if upload is not None:
            file_name, content = upload.name, upload.getvalue()
        elif way == "address":
            with st.spinner(say("tools.documents.comes")):
                file_name, content = fetched(desk(), place.strip())
        else:
            file_name, content = place.strip(), None
        if not file_name:
            raise InvalidInput("No document is named.", fix="Choose one.")
        entry = {
            "name": name.strip() or name_of_document(Path(file_name)),
            "path": str(Path(file_name).expanduser().absolute()),
            "base_url": base_url.strip(),
            "key_env": variable_name(key_env.strip()) if key_env.strip() else None,
        }
        entry = source_entry(desk().settings, entry, where="The name")
        read_content(entry, content)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        open_dialog("tools", "operations", entry=entry, content=content)
        st.rerun()


def draw_operations(entry: dict[str, Any], content: bytes | None) -> None:
    """Let a person choose operations, and write the document down with them."""
    try:
        api = read_content(entry, content)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    place = f"{api.base.origin}{api.base.path}"
    st.markdown(say("tools.documents.goes", name=entry["name"], place=place))
    by_name = {operation.name: operation for operation in api.operations}
    chosen = st.multiselect(
        say("tools.documents.operations"),
        list(by_name),
        default=[name for name, one in by_name.items() if "write" not in one.effects],
        format_func=lambda name: _operation_words(by_name[name]),
        help=say("tools.documents.operations_help"),
        key=f"tools.operations.{entry['name']}",
    )
    changing = [by_name[name] for name in chosen if "write" in by_name[name].effects]
    if changing:
        st.info(say("tools.documents.writes", names=", ".join(one.name for one in changing)), icon=":material/edit:")
    if api.problems:
        with st.expander(say("tools.documents.left_out", count=len(api.problems)), icon=":material/warning:"):
            for problem in api.problems:
                st.text(f"{clean(problem.name)}: {clean(problem.text)}")
    with st.container(horizontal=True):
        if st.button(
            say("tools.documents.go", count=len(chosen)), type="primary", key="tools.operations.go", disabled=not chosen
        ):
            _add(entry, content, chosen, all_of_them=len(chosen) == len(by_name))
        if st.button(say("work.back"), key="tools.operations.back"):
            open_dialog("tools", "document")
            st.rerun()


def read_content(entry: dict[str, Any], content: bytes | None) -> Api:
    """What a document offers, read from its bytes where they were handed over, else from its file.

    Raises:
        TierwiseError: if it is none.
    """
    from tierwise_tools.openapi import read_api

    with source_failures():
        if content is None:
            return read_api(document_of(entry))
        with tempfile.TemporaryDirectory(prefix="tierwise-") as folder:
            path = Path(folder) / Path(entry["path"]).name
            path.write_bytes(content)
            return read_api(document_of(entry | {"path": str(path)}))


def fetched(desk: Desk, address: str) -> tuple[str, bytes]:
    """A document from the public web, or from a server on this machine: its name and content.

    Raises:
        TierwiseError: if it may not be asked for, or does not come.
    """
    from tierwise_tools.errors import ToolError
    from tierwise_tools.web import Page, get_page

    if why := offline_word(desk.settings):
        raise Blocked(f"tierwise is {why}: nothing is fetched.", fix="Give the path of a file, or upload it.")
    if not address:
        raise InvalidInput("No address is given.", fix="Write https://HOST/openapi.json.")

    async def get() -> Page:
        async with asyncio.timeout(_PATIENCE):
            return await get_page(address, allow_loopback=True, most=_LARGEST)

    try:
        page = asyncio.run(get())
    except ToolError as error:
        raise ToolFailed(f"{address} cannot be fetched: {error}.") from error
    except TimeoutError as error:
        raise ToolFailed(f"{address} did not come within {_PATIENCE:g} seconds.") from error
    if page.status != 200 or not page.body.whole:
        why = f"the server answered {page.status}" if page.status != 200 else "it is larger than 20 MB"
        raise ToolFailed(f"{address} cannot be fetched: {why}.")
    return Path(urlsplit(page.url).path).name or "openapi.yaml", page.body.data


def _add(entry: dict[str, Any], content: bytes | None, chosen: list[str], *, all_of_them: bool) -> None:
    settings = desk().settings
    kept: Path | None = None
    try:
        if content is not None:
            kept = _keep(settings.home, entry, content)
            entry = entry | {"path": str(kept)}
        if not all_of_them:
            entry = entry | {"include": chosen}
        with st.spinner(say("tools.on.opens")):
            add_document(settings, configuration(settings), entry)
            desk().reopen()
    except TierwiseError as error:
        if kept is not None:
            kept.unlink(missing_ok=True)
        st.error(plain(str(error)), icon=":material/error:")
    else:
        leave_dialog("tools", say("tools.documents.done", name=entry["name"]))


def _keep(home: Path, entry: dict[str, Any], content: bytes) -> Path:
    """Put a document that was handed over into the home folder, where its tools read it again."""
    folder = open_home(home) / "openapi"
    folder.mkdir(mode=0o700, exist_ok=True)
    ending = ".json" if Path(entry["path"]).suffix.lower() == ".json" else ".yaml"
    path = private(folder / f"{entry['name']}{ending}")
    path.write_bytes(content)
    return path


def _operation_words(operation: Operation) -> str:
    """An operation as plain text: no Markdown is read where it is chosen."""
    return one_line(f"{operation.method} {operation.path}: {operation.description}", 100)


def _draw_document(document: ApiDocument, found: Toolset) -> None:
    tools = [tool for tool in found if tool.origin.kind == "openapi" and tool.origin.name == document.name]
    aside = [one for one in found.problems if one.name == document.name]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(document.name)}**", width="content")
        if aside:
            st.badge(say("tools.servers.failed"), icon=":material/error:", color="red")
        else:
            st.badge(say("tools.servers.works"), icon=":material/check_circle:", color="green")
    parts = [say("tools.documents.tools", count=len(tools)), plain(str(document.path))]
    if document.base_url:
        parts.insert(1, plain(document.base_url))
    st.caption(" · ".join(parts))
    if document.key_env:
        word = "tools.documents.key_set" if os.environ.get(document.key_env) else "tools.documents.key_missing"
        st.caption(f":material/key: {say(word, name=document.key_env)}")
    for one in aside:
        st.markdown(f":material/warning: {say('tools.aside.line', name=one.name, text=clean(one.text))}")
    st.button(
        say("tools.servers.remove"),
        icon=":material/delete:",
        key=f"tools.remove.{document.name}",
        on_click=partial(open_dialog, "tools", "remove", name=document.name),
    )
