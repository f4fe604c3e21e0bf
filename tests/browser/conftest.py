"""A browser, windows that remember what went wrong in them, and servers of the app with tiers of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from benches.app_process import Answering, AppProcess, Served, browser, chromium
from browser_parts import Window

_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="package")
def chrome() -> Iterator[Any]:
    """The browser. It lives as long as this folder: while it does, no test of another one can run an event loop."""
    pytest.importorskip("playwright.sync_api")
    if chromium() is None:
        pytest.skip("there is no chromium on this machine")
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., AppProcess]]:
    """Starts the app; it ends with the module."""
    with ExitStack() as stack:

        def start(config: str, *, env: dict[str, str] | None = None, welcomed: bool = True) -> AppProcess:
            app = AppProcess(tmp_path_factory.mktemp("app"), config, env or {})
            if welcomed:
                (app.home / "app.json").write_text('{"welcomed": true}', encoding="utf-8")
            return stack.enter_context(app)

        yield start


@pytest.fixture(scope="module")
def tier() -> Iterator[Callable[..., Served]]:
    """Serves a tier whose answers are ours; it ends with the module."""
    with ExitStack() as stack:

        def make(name: str, answer: Answering | None = None, **options: Any) -> Served:
            served = Served(name, answer or (lambda request: f"{name} says so."), **options)
            stack.callback(served.server.close)
            return served

        yield make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember that a test failed, for the picture that :func:`window` then takes."""
    report: Any = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture
def window(chrome: Any, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Window]]:
    """Opens windows of their own; a test fails if anything of ours went wrong in one, or it asked another host."""
    opened: list[Window] = []

    def open_one(app: AppProcess, page: str = "", *, width: int = 1280, scheme: str = "light", **query: str) -> Window:
        one = Window.open(chrome, app, page, width=width, scheme=scheme, **query)
        opened.append(one)
        return one

    yield open_one
    if request.node.stash.get(_FAILED, False):
        for n, one in enumerate(opened):
            one.page.screenshot(path=tmp_path / f"window-{n}.png")
            print(f"window {n} as it was: {tmp_path / f'window-{n}.png'}")
    try:
        for one in opened:
            one.check()
    finally:
        for one in opened:
            one.close()


@pytest.fixture(autouse=True)
def _nothing_broke(request: pytest.FixtureRequest) -> Iterator[None]:
    """The server printed no traceback during the test."""
    apps = [value for name, value in request.node.funcargs.items() if isinstance(value, AppProcess)]
    before = [len(app.log) for app in apps]
    yield
    for app, length in zip(apps, before, strict=True):
        said = app.log[length:]
        assert not re.search(r"Traceback|Uncaught|Error\b", said), said
