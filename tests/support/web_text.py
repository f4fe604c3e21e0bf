"""What a person reads on a page."""

from __future__ import annotations

import html
import re
from typing import Any

_KINDS = ("markdown", "caption", "text", "code", "info", "warning", "error")


def words_of(app: Any) -> str:
    """The texts of a page: Markdown as it was written, but without its escapes; bars and tables as well."""
    found = [str(one.value) for kind in _KINDS for one in getattr(app, kind)]
    found += [one.proto.text for one in app.get("progress")]
    found += [one.value.to_csv() for one in app.table]
    found += [one.label for one in app.get("expander")] + [one.label for one in app.button]
    return html.unescape(re.sub(r"\\(?=[^\w\s])", "", "\n".join(found)))
