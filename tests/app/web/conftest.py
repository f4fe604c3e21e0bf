"""The app's pages without a browser: real stores, and scripted models where an exact answer is the point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tierwise import Copilot
from tierwise_app.web import desk as desk_module
from tierwise_app.web.desk import Desk

MAIN = Path(desk_module.__file__).with_name("main.py")


@pytest.fixture
def fresh_server(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server that has just begun, with a home of its own and no configuration; gives the home."""
    monkeypatch.setenv("TIERWISE_HOME", str(own_home))
    monkeypatch.chdir(tmp_path)
    st.cache_resource.clear()
    yield own_home
    st.cache_resource.clear()


@pytest.fixture
def open_app(fresh_server: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Opens the app at a page, on a copilot if one is given, else on what the configuration says."""
    desks: list[Desk] = []

    def make(copilot: Copilot | None = None) -> Desk:
        desks.append(Desk(copilot))
        return desks[-1]

    def open_page(page: str = "chat", *, copilot: Copilot | None = None, **query: str) -> AppTest:
        monkeypatch.setattr(desk_module, "Desk", lambda: make(copilot))
        app = AppTest.from_file(str(MAIN), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        if page != "chat":
            app.switch_page(f"app_pages/{page}.py").run()
        return app

    yield open_page
    for one in desks:
        one.copilot.close()


@pytest.fixture
def open_alone(fresh_server: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], AppTest]]:
    """Opens one page without the frame and the other pages, which takes less time; nothing can be switched to."""
    desks: list[Desk] = []

    def make() -> Desk:
        desks.append(Desk())
        return desks[-1]

    def open_page(page: str) -> AppTest:
        monkeypatch.setattr(desk_module, "Desk", make)
        script = f"from tierwise_app.web.{page}.page import draw\n\ndraw()\n"
        return AppTest.from_string(script, default_timeout=60).run()

    yield open_page
    for one in desks:
        one.copilot.close()


@pytest.fixture
def the_desk() -> Callable[[], Desk]:
    """The desk of the server that runs."""
    return desk_module.desk
