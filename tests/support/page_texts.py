"""What a person can read on a page of the app."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest


def texts(app: AppTest) -> str:
    """All that a person can read on the page, without order."""
    found: list[Any] = []
    for kind in ("title", "header", "subheader", "markdown", "caption", "text", "code", "info", "warning", "error"):
        found += [element.value for element in getattr(app, kind)]
    found += [button.label for button in app.button]
    return "\n".join(map(str, found))
