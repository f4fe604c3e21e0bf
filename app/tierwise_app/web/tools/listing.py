"""The tools that are on, those that are off, and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.text import clean, one_line
from tierwise_app.tool_facts import Asking, asking_of
from tierwise_app.tool_switches import tools_off, turn_off
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import open_dialog, say_next
from tierwise_app.web.job_lines import begin
from tierwise_app.web.tools.servers import start_review
from tierwise_app.web.tools.sources import configuration, origin_words, server_meant, switch_of
from tierwise_app.web.words import plain, raw, say

if TYPE_CHECKING:
    from tierwise_tools import Problem, Tool, Toolset

_PAGE = 8
_MOST_LINES = 5
_EFFECTS: dict[str, tuple[str, Any]] = {
    "read": (":material/visibility:", "gray"),
    "write": (":material/edit:", "orange"),
    "network": (":material/public:", "blue"),
    "execute": (":material/terminal:", "red"),
}


def draw_tools(found: Toolset) -> None:
    """Draw the whole part."""
    for number, problems in enumerate(_together(found.problems)):
        _draw_problems(number, problems)
    st.caption(say("tools.list.intro"))
    words = ""
    if len(found) > _PAGE:
        words = st.text_input(
            say("tools.list.search"),
            key="tools.search",
            placeholder=raw("tools.list.search_placeholder"),
            type="search",
        )
    wanted = [tool for tool in found if _matches(tool, words or "")]
    if not len(found):
        st.info(say("tools.list.none"), icon=":material/info:")
    elif not wanted:
        st.info(say("tools.list.nothing"), icon=":material/search_off:")
    pages = -(-len(wanted) // _PAGE)
    number = st.pagination(pages, key=f"tools.page.{pages}") if pages > 1 else 1
    for tool in wanted[(number - 1) * _PAGE : number * _PAGE]:
        with st.container(border=True, key=f"tools.card.{tool.name}"):
            _draw_tool(tool)
    _draw_off()


def draw_effects(effects: tuple[str, ...]) -> None:
    """What a tool does, one badge each."""
    for effect in effects:
        icon, color = _EFFECTS[effect]
        st.badge(say(f"tools.effects.{effect}"), icon=icon, color=color)


def asking_words(asking: Asking) -> str:
    """When a person is asked, in words."""
    if asking.by == "tool":
        return say("tools.asks.tool")
    if asking.by in ("configuration", "allowed for good"):
        by = asking.by.partition(" ")[0]
        return say(f"tools.asks.{by}_{asking.now}")
    if asking.now == "free" and asking.after_untrusted == "asks":
        return say("tools.asks.later")
    return say(f"tools.asks.{asking.now}")


def _matches(tool: Tool[..., Any], words: str) -> bool:
    text = f"{tool.name} {tool.description} {tool.origin}".casefold()
    return all(word in text for word in words.casefold().split())


def _draw_tool(tool: Tool[..., Any]) -> None:
    copilot = desk().copilot
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(tool.name)}**", width="content")
        draw_effects(tool.effects)
    st.text(one_line(tool.description, 200))
    asking = asking_words(asking_of(tool, copilot.settings, copilot.record))
    guess = "" if tool.says_effects else f" · {say('tools.list.assumed')}"
    origin = origin_words(tool.origin)
    st.caption(f"{origin[0].upper()}{origin[1:]} · {asking}{guess}")
    with st.container(horizontal=True):
        st.button(
            say("tools.list.open"),
            icon=":material/play_arrow:",
            key=f"tools.open.{tool.name}",
            on_click=partial(open_dialog, "tools", "tool", name=tool.name),
        )
        st.button(
            say("tools.list.asks"),
            icon=":material/front_hand:",
            key=f"tools.asks.{tool.name}",
            on_click=partial(open_dialog, "tools", "asks", name=tool.name),
        )
        switch = switch_of(tool.origin, tool.name, copilot.settings)
        if switch is not None:
            help = say("tools.list.off_all", name=switch) if switch != tool.name else None
            st.button(
                say("tools.list.off"),
                icon=":material/toggle_off:",
                key=f"tools.off.{tool.name}",
                help=help,
                on_click=partial(_turn_off, switch),
            )


def _turn_off(name: str) -> None:
    settings = desk().settings
    try:
        file = configuration(settings)
        turn_off(settings, file, [name])
        file.write()
        desk().reopen()
    except TierwiseError as error:
        st.session_state["tools.failed"] = str(error)
    else:
        say_next(say("tools.list.is_off", name=name))


def _together(problems: Sequence[Problem]) -> list[list[Problem]]:
    """What was set aside, that of one MCP server together."""
    settings = desk().settings
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(server_meant(problem.name, settings) or problem.name, []).append(problem)
    return list(groups.values())


def _draw_problems(number: int, problems: Sequence[Problem]) -> None:
    settings, name = desk().settings, problems[0].name
    server = server_meant(name, settings)
    is_on = name in settings.tools.enabled
    folder = is_on and settings.tools.root is None and _needs_root(name)
    with st.container(border=True):
        for problem in problems[:_MOST_LINES]:
            text = clean(problem.text)
            if server is not None:
                # the command line's way to look at it is a button here
                text = text.partition(" See what it offers with")[0].partition(": see ")[0].rstrip(".") + "."
            told = raw("tools.aside.needs_folder") if folder else text
            st.markdown(f":material/warning: {say('tools.aside.line', name=problem.name, text=told)}")
        if len(problems) > _MOST_LINES:
            st.caption(say("tools.aside.more", count=len(problems) - _MOST_LINES))
        with st.container(horizontal=True):
            if server is not None and st.button(
                say("tools.servers.review"), icon=":material/fact_check:", key=f"tools.aside.review.{number}"
            ):
                begin(partial(start_review, desk(), server))
            if folder:
                st.button(
                    say("tools.aside.folder"),
                    icon=":material/folder:",
                    key=f"tools.aside.folder.{number}",
                    on_click=partial(open_dialog, "tools", "on", name=name),
                )
            if is_on:
                st.button(
                    say("tools.list.off"),
                    icon=":material/toggle_off:",
                    key=f"tools.aside.off.{number}",
                    on_click=partial(_turn_off, name),
                )
            st.button(
                say("tools.aside.again"),
                icon=":material/refresh:",
                key=f"tools.aside.again.{number}",
                on_click=lambda: desk().reopen(),
            )


def _needs_root(name: str) -> bool:
    from tierwise.runtime import NEEDS_ROOT

    return name in NEEDS_ROOT


def _draw_off() -> None:
    off = tools_off(desk().settings)
    if not off:
        return
    with st.expander(say("tools.off.title", count=len(off)), icon=":material/toggle_off:", key="tools.off"):
        for one in off:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"**{plain(one['name'])}**: {_off_words(one)}", width="content")
                st.button(
                    say("tools.off.on"),
                    icon=":material/toggle_on:",
                    key=f"tools.on.{one['name']}",
                    help=say("tools.off.on_help", name=one["name"]),
                    on_click=partial(open_dialog, "tools", "on", name=one["name"]),
                )


def _off_words(one: dict[str, Any]) -> str:
    if one["kind"] == "package":
        return say("tools.off.package", distribution=one["distribution"], version=one["version"])
    return say(f"tools.built_in.{one['name']}")
