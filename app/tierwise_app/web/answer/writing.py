"""Writes Markdown from tokens, so that Streamlit reads what was meant and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tierwise_app.web.answer.addresses import Address, address_of, bare_addresses, names_a_place, names_itself
from tierwise_app.web.answer.escaping import MARK_CLOSE, MARK_OPEN, escaped
from tierwise_app.web.words import raw

if TYPE_CHECKING:
    from markdown_it.token import Token

_MARK = re.compile(rf"{MARK_OPEN}(\d+){MARK_CLOSE}")
_LANGUAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+#._-]{0,30}")
# Streamlit draws these instead of showing them.
_DRAWN = re.compile(r"mermaid|math", re.IGNORECASE)
_TASK = re.compile(r"\[[ xX]\](?=\s\S)")
_RUN = re.compile(r"`+")
# A line of these can begin right below a paragraph; anything else needs an empty line before it.
_INTERRUPTS = ("bullet_list_open", "fence", "blockquote_open", "heading_open")

Show = Callable[[int], tuple[str, str]]


class _Opens(str):
    """The mark before words that are set off."""


class _Closes(str):
    """The mark behind them."""


class Writer:
    """Writes one answer.

    Args:
        show: what stands for the mark of a number: as Markdown of ours, and as plain text where no Markdown is read.
    """

    def __init__(self, show: Show) -> None:
        self._show = show

    # -- blocks --------------------------------------------------------------------------------------------------------

    def blocks(self, tokens: Sequence[Token], *, tight: bool = False) -> list[str]:
        """Blocks as lines."""
        lines: list[str] = []
        before = ""
        for begin, end in _children(tokens):
            kind = tokens[begin].type
            made = self._block(tokens[begin : end + 1])
            if lines and not (tight and before == "paragraph_open" and _follows_at_once(tokens[begin])):
                lines.append("")
            lines += made
            before = kind
        return lines

    def _block(self, tokens: Sequence[Token]) -> list[str]:
        first, inside = tokens[0], tokens[1:-1]
        match first.type:
            case "paragraph_open":
                return self._inline(inside).split("\n")
            case "heading_open":
                return [f"{'#' * int(first.tag[1])} {self._inline(inside, line=True)}"]
            case "blockquote_open":
                return [f"> {line}".rstrip() for line in self.blocks(inside) or [""]]
            case "bullet_list_open" | "ordered_list_open":
                return self._items(first, inside)
            case "table_open":
                return self._table(inside)
            case "fence" | "code_block":
                return self._code(first)
            case "formula":
                return ["$$", *(line for line in first.content.split("\n") if line.strip()), "$$"]
            case "hr":
                return ["___"]
        raise AssertionError(first.type)

    def _items(self, opened: Token, inside: Sequence[Token]) -> list[str]:
        number = int(opened.attrs.get("start", 1)) if opened.type == "ordered_list_open" else None
        items = [inside[begin + 1 : end] for begin, end in _children(inside)]
        tight = all(item[begin].hidden for item in items for begin, _ in _children(item) if _is_paragraph(item[begin]))
        lines: list[str] = []
        for item in items:
            marker = opened.markup if number is None else f"{number}{opened.markup}"
            number = None if number is None else number + 1
            made = self.blocks(item, tight=tight) or [""]
            indent = " " * (len(marker) + 1)
            if lines and not tight:
                lines.append("")
            lines.append(f"{marker} {made[0]}".rstrip())
            lines += [f"{indent}{line}".rstrip() for line in made[1:]]
        return lines

    def _table(self, inside: Sequence[Token]) -> list[str]:
        rows: list[list[str]] = []
        marks: list[str] = []
        for token in inside:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "th_open":
                marks.append(_ALIGNED.get(str(token.attrs.get("style", "")), "---"))
            elif token.type == "inline":
                rows[-1].append(self._inline([token], line=True, cell=True))
        rows.insert(1, marks)
        return [f"| {' | '.join(row)} |" for row in rows]

    def _code(self, token: Token) -> list[str]:
        content = self._plain_marks(token.content).removesuffix("\n")
        fence = "`" * max(3, 1 + _longest_run(content))
        words = token.info.split(maxsplit=1)
        named = bool(words) and _LANGUAGE.fullmatch(words[0]) and not _DRAWN.search(words[0])
        return [f"{fence}{words[0] if named else ''}", *content.split("\n"), fence]

    # -- inline --------------------------------------------------------------------------------------------------------

    def _inline(self, tokens: Sequence[Token], *, line: bool = False, cell: bool = False) -> str:
        """The words of a block.

        Args:
            tokens: of type ``inline``, one or none.
            line: they have to stay on one line.
            cell: they are in a table.
        """
        children = [child for token in tokens for child in token.children or ()]
        return _joined([piece for piece in self._pieces(children, line, cell) if piece]).strip()

    def _pieces(self, children: Sequence[Token], line: bool, cell: bool) -> Iterator[str]:
        opened: tuple[Address, int] | None = None
        for at, token in enumerate(children):
            match token.type:
                case "text" | "text_special":
                    task = _TASK.match(token.content) if at == 0 and not line else None
                    yield task[0] if task else ""
                    rest = token.content[task.end() :] if task else token.content
                    yield from self._text(rest) if opened is None else [self._marked(rest)]
                case "source" | "html_inline":
                    parts = map(self._marked, token.content.split("\n"))
                    yield (" " if line else "\n").join(part.strip() for part in parts)
                case "softbreak":
                    yield " " if line else "\n"
                case "hardbreak":
                    yield " " if line else "\\\n"
                case "strong_open" | "em_open" | "s_open":
                    yield _Opens(token.markup)
                case "strong_close" | "em_close" | "s_close":
                    yield _Closes(token.markup)
                case "code_inline":
                    yield self._code_span(token.content, cell)
                case "formula":
                    yield self._formula(token, line, cell)
                case "link_open":
                    address = address_of(str(token.attrs["href"]))
                    opened = None if address is None else (address, at)
                    yield "" if address is None else "["
                case "link_close":
                    if opened is not None:
                        yield self._link_end(opened[0], children[opened[1] + 1 : at])
                    opened = None

    def _text(self, text: str) -> Iterator[str]:
        """Text in which addresses are links."""
        at = 0
        for begin, end in bare_addresses(text):
            written = text[begin:end]
            if (address := address_of(written)) is not None:
                link = f"[{escaped(written)}]({_target(address)})"
                yield f"{self._marked(text[at:begin])}{link}{_beside(written, address)}"
                at = end
        yield self._marked(text[at:])

    def _link_end(self, address: Address, inside: Sequence[Token]) -> str:
        label = "".join(token.content for token in inside)
        return f"]({_target(address)}){_beside(_MARK.sub('', label), address)}"

    def _code_span(self, content: str, cell: bool) -> str:
        content = self._plain_marks(content)
        if cell and "\\|" in content:
            return escaped(content)  # there is no way to write this into a cell as code
        if cell:
            content = content.replace("|", "\\|")
        fence = "`" * (1 + _longest_run(content))
        ends = {content[0], content[-1]}
        pad = " " * ("`" in ends or (ends == {" "} and bool(content.strip())))
        return f"{fence}{pad}{content}{pad}{fence}"

    def _formula(self, token: Token, line: bool, cell: bool) -> str:
        one_line = " ".join(token.content.split())
        if cell and "|" in one_line:
            return self._marked(" ".join(token.markup.split()))
        marks = "$$" if token.info == "block" and not line else "$"
        return f"{marks}{one_line}{marks}"

    # -- marks ---------------------------------------------------------------------------------------------------------

    def _marked(self, text: str) -> str:
        """Text with its marks, in Markdown."""
        if MARK_OPEN not in text:
            return escaped(text)
        pieces = _MARK.split(text)
        return "".join(self._show(int(piece))[0] if n % 2 else escaped(piece) for n, piece in enumerate(pieces))

    def _plain_marks(self, text: str) -> str:
        return _MARK.sub(lambda found: self._show(int(found[1]))[1], text) if MARK_OPEN in text else text


_ALIGNED = {"text-align:left": ":---", "text-align:right": "---:", "text-align:center": ":---:"}


def _children(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """First and last index of each outermost token."""
    depth = begin = 0
    for at, token in enumerate(tokens):
        if depth == 0:
            begin = at
        depth += token.nesting
        if depth == 0:
            yield begin, at


def _joined(pieces: list[str]) -> str:
    """The pieces in one text.

    A mark counts as one only if what stands inside is no punctuation, or what stands outside is no letter. Where links
    brought brackets inside, the letter outside is written as a reference.
    """
    for at, piece in enumerate(pieces):
        before, after = "".join(pieces[at - 1 : at]), "".join(pieces[at + 1 : at + 2])
        if isinstance(piece, _Opens) and before[-1:].isalnum() and not after[:1].isalnum():
            pieces[at - 1] = f"{before[:-1]}&#{ord(before[-1])};"
        elif isinstance(piece, _Closes) and after[:1].isalnum() and not before[-1:].isalnum():
            pieces[at + 1] = f"&#{ord(after[0])};{after[1:]}"
    return "".join(pieces)


def _longest_run(content: str) -> int:
    return max((len(run) for run in _RUN.findall(content)), default=0)


def _is_paragraph(token: Token) -> bool:
    return token.type == "paragraph_open"


def _follows_at_once(token: Token) -> bool:
    return token.type in _INTERRUPTS or (token.type == "ordered_list_open" and token.attrs.get("start", 1) == 1)


def _target(address: Address) -> str:
    return address.written.replace("&", "&amp;")


def _beside(label: str, address: Address) -> str:
    """What has to stand beside a link, so that nobody is led anywhere unawares."""
    itself = names_itself(label, address)
    if address.carries and itself:
        said = raw("answer.link.carries", host=address.host)
    elif address.carries or (not itself and names_a_place(label)):
        said = raw("answer.link.leads", address=address.written)
    elif itself:
        return ""
    else:
        said = raw("answer.link.host", host=address.host)
    return f" :small[{escaped(said)}]"
