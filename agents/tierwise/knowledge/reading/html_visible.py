"""Which parts of a web page a person reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NEVER = frozenset(
    {
        *("annotation", "annotation-xml", "applet", "area", "audio", "base", "button", "canvas", "datalist", "embed"),
        *("head", "iframe", "input", "link", "map", "meta", "noscript", "object", "option", "param", "script"),
        *("select", "source", "style", "svg", "template", "textarea", "title", "track", "video"),
    }
)
_CHROME = frozenset({"aside", "footer", "header"})
_CHROME_ROLES = frozenset(
    {
        *("alertdialog", "banner", "complementary", "contentinfo", "dialog", "menu", "menubar"),
        *("search", "toolbar"),
    }
)
# Not a font size of 0, which frames in mails have around text that sets its own.
_UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0+(?:\.0*)?\s*(?:;|!|$)", re.I
)
_COOKIES = re.compile(
    r"\b(?:cookie|consent|gdpr)[-_ ]?(?:banner|bar|box|consent|dialog|law|message|modal|notice|popup)", re.I
)
_WHOLE = frozenset({"body", "html"})  # hidden until a script has run, as some pages are


@dataclass(frozen=True, slots=True)
class Visible:
    """What is read and what is passed over.

    Attributes:
        chrome: read what stands around the main part: head, foot, sides. Those of an article itself always are.
        navigation: read the ways to other pages.
    """

    chrome: bool = True
    navigation: bool = False

    def skips(self, tag: str, attributes: Mapping[str, str | None], *, in_article: bool) -> bool:
        """Whether an element is passed over with all that is in it."""
        chrome = self.chrome or in_article
        if tag in _NEVER or (tag == "nav" and not self.navigation) or (tag in _CHROME and not chrome):
            return True
        if tag == "dialog" and "open" not in attributes:
            return True
        return bool(attributes) and tag not in _WHOLE and self._is_hidden(attributes, chrome)

    def _is_hidden(self, attributes: Mapping[str, str | None], chrome: bool) -> bool:
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return True
        if _UNSEEN_STYLE.search(attributes.get("style") or ""):
            return True
        role = attributes.get("role")
        if (role == "navigation" and not self.navigation) or (role in _CHROME_ROLES and not chrome):
            return True
        return any(_COOKIES.search(attributes.get(name) or "") for name in ("id", "class"))
