"""What a person sees of a page, as text, in time that grows with its length only.

The parser of the standard library takes minutes for 60 kB of ``<a <a <a``, and whoever writes a page decides on that.
This one reads forward without ever going back: a tag that does not end ends the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

# Nothing in these is tried again in another way: what has been read stays read. Quotes count after "=" only, as in
# browsers.
_TAG_END = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])))*+>""")
_ATTRIBUTE = re.compile(r"""([^\s=/>]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?+""")
_NAME = re.compile(r"[a-zA-Z][^\s/>]{0,63}")
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|(?:opacity|font-size)\s*:\s*0(?![.\d]*[1-9])")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SKIPPED = _names("canvas datalist iframe math noembed noframes noscript object select svg template")
_RAW = _names("script style textarea title xmp")
# Elements that hold nothing, and those that scripts hide until a page is ready.
_NEVER_HIDDEN = _names("area base body br col embed hr html img input link meta source track wbr")
_FOREIGN = frozenset({"math", "svg"})  # may be empty by a slash at the end
_ENDED_BY_ITSELF = _names("dd dt li option p td th tr")  # the next one of the kind ends it
_TIGHT = _names("br dd dt li option tr")
_BLOCKS = _names(
    "address article aside blockquote body details div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6"
    " header hr main nav ol p pre section summary table tbody tfoot thead ul"
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_MAIN = frozenset({"main", "article"})
_ENOUGH = 200  # characters, from which on what a page calls its main part is taken for it


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it stands on a page; ``start`` is where its words begin in the text."""

    start: int
    words: str
    reference: str


@dataclass(frozen=True, slots=True)
class Page:
    """What is on a page: its title, its main part as text, the links in that part, and what they start from."""

    title: str
    base: str
    text: str
    links: tuple[Link, ...]


def read_page(markup: str) -> Page:
    """The visible part of a page. Scripts, styles, comments and what is marked as hidden are left out."""
    writer = _Writer()
    hidden: tuple[str, int] | None = None  # the element that is not seen, and how many of its kind are open
    for kind, name, value in _pieces(markup):
        if hidden is not None:
            hidden = _still_hidden(hidden, kind, name)
            if hidden is not None or kind == "end":
                continue
        if kind == "text":
            writer.text(value)
        elif kind == "raw":
            writer.raw(name, value)
        elif kind == "end":
            writer.leave(name)
        elif name in _SKIPPED or (name not in _NEVER_HIDDEN and _is_hidden(value)):
            if not (name in _FOREIGN and value.endswith("/")):
                hidden = (name, 1)
        else:
            writer.enter(name, value)
    return writer.page()


def _pieces(markup: str) -> Iterator[tuple[str, str, str]]:
    """``(kind, name, value)``: text, start (with the attributes), end, and raw, an element without tags in it."""
    place = 0
    while place < len(markup):
        tag = markup.find("<", place)
        if tag < 0:
            tag = len(markup)
        if tag > place:
            yield "text", "", markup[place:tag]
        if tag == len(markup):
            return
        following = markup[tag + 1 : tag + 2]
        if markup.startswith("<!--", tag):
            place = _after(markup, "-->", tag + 2)
        elif following in ("!", "?"):
            place = _after(markup, ">", tag)
        elif following == "/":
            name = _NAME.match(markup, tag + 2)
            place = _after(markup, ">", tag)
            if name:
                yield "end", name[0].lower(), ""
        elif name := _NAME.match(markup, tag + 1):
            ended = _TAG_END.match(markup, name.end())
            if ended is None:
                return
            place = ended.end()
            kind = name[0].lower()
            if kind in _RAW:
                close = re.compile(f"</{kind}", re.IGNORECASE).search(markup, place)
                inside = close.start() if close else len(markup)
                yield "raw", kind, markup[place:inside]
                place = _after(markup, ">", inside)
            else:
                yield "start", kind, markup[name.end() : place - 1]
        else:
            yield "text", "", "<"
            place = tag + 1


def _after(markup: str, mark: str, place: int) -> int:
    found = markup.find(mark, place)
    return len(markup) if found < 0 else found + len(mark)


def _still_hidden(hidden: tuple[str, int], kind: str, name: str) -> tuple[str, int] | None:
    element, depth = hidden
    if name != element or kind not in ("start", "end"):
        return hidden
    if kind == "start":
        return None if element in _ENDED_BY_ITSELF else (element, depth + 1)
    return (element, depth - 1) if depth > 1 else None


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        found.setdefault(match[1].lower(), _plain(match[2] or match[3] or match[4] or ""))
    return found


def _is_hidden(attributes: str) -> bool:
    if not attributes.strip(" /"):
        return False
    found = _attributes(attributes)
    if "hidden" in found and found["hidden"].lower() != "until-found":
        return True
    return found.get("aria-hidden", "").lower() == "true" or _UNSEEN.search(found.get("style", "").lower()) is not None


def _plain(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:  # a character by a number of thousands of digits
        return text


class _Writer:
    """Collects text as a browser would lay it out."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._gap = ""  # what is owed before the next word
        self._lead = ""  # a bullet or the sign of a heading
        self._pre = 0
        self._title = ""
        self._base = ""
        self._links: list[Link] = []
        self._link: tuple[int, str] | None = None
        self._main: list[int] = []  # where the main parts that are open begin
        self._mains: list[tuple[int, int]] = []

    def enter(self, name: str, attributes: str) -> None:
        """A tag begins."""
        self._break(name)
        if name in ("td", "th"):
            self._owe(" | ")
        elif name == "li":
            self._lead = "- "
        elif name in _HEADINGS:
            self._lead = f"{_HEADINGS[name]} "
        elif name == "pre":
            self._pre += 1
        elif name in _MAIN:
            self._main.append(self._length)
        elif name == "base":
            self._base = self._base or _attributes(attributes).get("href", "").strip()
        elif name == "a":
            self._end_link()
            self._link = (self._length, _attributes(attributes).get("href", "").strip())

    def leave(self, name: str) -> None:
        """A tag ends."""
        if name == "pre":
            self._pre = max(0, self._pre - 1)
        elif name in _MAIN and self._main:
            self._mains.append((self._main.pop(), self._length))
        elif name == "a":
            self._end_link()
        elif name in _HEADINGS:
            self._lead = ""
        self._break(name)

    def raw(self, name: str, value: str) -> None:
        """An element that holds no tags."""
        if name == "title" and not self._title:
            self._title = _SPACE.sub(" ", _plain(value)).strip()[:300]

    def text(self, value: str) -> None:
        """Words."""
        words = _plain(value)
        if self._pre:
            self._emit(words)
            return
        words = _SPACE.sub(" ", words)
        if words[:1] == " ":
            self._owe(" ")
        if bare := words.strip(" "):
            self._emit(bare)
            if words[-1] == " ":
                self._owe(" ")

    def page(self) -> Page:
        """All of it."""
        self._end_link()
        text = "".join(self._parts)
        self._mains += [(start, self._length) for start in self._main]
        start, end = max(self._mains, key=lambda span: span[1] - span[0], default=(0, 0))
        if end - start < _ENOUGH:
            start, end = 0, len(text)
        links = tuple(link for link in self._links if start <= link.start < end)
        return Page(self._title, self._base, text[start:end].strip(), links)

    def _end_link(self) -> None:
        if self._link is None:
            return
        start, reference = self._link
        self._link = None
        if reference:
            words = _SPACE.sub(" ", self._since(start)).strip(" -#|")
            self._links.append(Link(start, words[:80], reference))

    def _since(self, start: int) -> str:
        """The text from ``start`` on, no more of it than a link shows."""
        parts: list[str] = []
        place = self._length
        for part in reversed(self._parts):
            if place <= start:
                break
            parts.append(part)
            place -= len(part)
        return "".join(reversed(parts))[max(0, start - place) :][:200]

    def _break(self, name: str) -> None:
        if name in _TIGHT:
            self._owe("\n")
        elif name in _BLOCKS:
            self._owe("\n\n")

    def _owe(self, gap: str) -> None:
        order = ("", " ", " | ", "\n", "\n\n")
        if order.index(gap) > order.index(self._gap):
            self._gap = gap

    def _emit(self, words: str) -> None:
        gap = self._gap if self._length else ""
        self._gap = ""
        self._parts += [part for part in (gap, self._lead, words) if part]
        self._length += len(gap) + len(self._lead) + len(words)
        self._lead = ""
