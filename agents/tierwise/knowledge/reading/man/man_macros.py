"""The macros of man(7), and those of groff that pages use beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tierwise.knowledge.reading.man.escapes import plain
from tierwise.knowledge.reading.man.layout import Layout
from tierwise.knowledge.reading.man.requests import Line
from tierwise.knowledge.reading.man.tables import table_rows

_TOGETHER = {"BR", "BI", "IR", "IB", "RB", "RI"}
_FONTS = {"B", "I", "R", "SM", "SB", "b", "bi", "CW", "C"}
# What says how a page looks on paper, or is for an index: nothing of it is read.
_SILENT = {
    "PD",
    "ft",
    "ad",
    "na",
    "hy",
    "nh",
    "ne",
    "in",
    "ti",
    "ll",
    "pl",
    "ps",
    "vs",
    "ta",
    "ce",
    "rj",
    "DT",
    "IX",
    "AT",
    "UC",
}
_SILENT |= {
    "pc",
    "lc",
    "tc",
    "ss",
    "cs",
    "lg",
    "fam",
    "po",
    "pn",
    "bp",
    "ev",
    "mk",
    "rt",
    "wh",
    "ch",
    "it",
    "nm",
    "nn",
    "ns",
}
_SILENT |= {
    "rs",
    "lf",
    "cu",
    "ul",
    "uf",
    "fl",
    "ab",
    "pi",
    "sy",
    "fp",
    "hc",
    "lt",
    "tl",
    "cc",
    "c2",
    "em",
    "hla",
    "hlm",
    "hcode",
}
_SILENT |= {
    "color",
    "defcolor",
    "warn",
    "cp",
    "di",
    "da",
    "box",
    "ftr",
    "special",
    "tag",
    "HTML",
    "UN",
    "BE",
    "BS",
    "hpf",
    "nx",
}
_SILENT |= {
    "EQ",
    "EN",
    "PS",
    "PE",
    "KS",
    "KE",
    "DS",
    "DE",
    "P!",
    "PSPIC",
    "EL",
    "blm",
    "lsm",
    "af",
    "aln",
    "nroff",
    "troff",
}


class ManMacros:
    """Lays out the lines of a page written with man(7).

    Attributes:
        name: the page's name as ``.TH`` gives it.
        section: the manual's section that it belongs to.
        about: the first line of its NAME section.
    """

    def __init__(self, layout: Layout) -> None:
        self.name = self.section = self.about = ""
        self._layout = layout
        self._section = ""  # title of the section that is open
        self._waiting: Callable[[str], None] | None = None  # for the words of the next line
        self._held: list[str] = []  # words of that line so far, if it goes on in the next
        self._link = ""
        self._table: list[Line] | None = None

    def read(self, lines: Iterable[Line]) -> None:
        """Lay out all the lines."""
        for line in lines:
            if self._table is not None:
                if line.name == "TE":
                    self._layout.table(*table_rows(self._table))
                    self._table = None
                else:
                    self._table.append(line)
            elif line.name == "TS":
                self._table = []
            elif line.name:
                self._macro(line)
            elif line.text.strip():
                self._say(line.text)
            elif self._waiting is None:
                self._layout.end_line() if not self._layout.filling else None
                self._layout.gap()
        if self._table is not None:
            self._layout.table(*table_rows(self._table))
        self._hear_out()
        self._layout.close()

    def _say(self, text: str) -> None:
        glued = text.rstrip().endswith("\\c")
        words = plain(text)
        if self._waiting is not None:
            self._held.append(words)
            if not glued:
                self._hear_out()
            return
        if self._section.upper() == "NAME" and not self.about and words.strip():
            self.about = " ".join(words.split())
        self._layout.words(words, glued=glued)

    def _hear_out(self) -> None:
        """Give the words that were waited for to who waits for them."""
        if self._waiting is not None:
            take, self._waiting = self._waiting, None
            words, self._held = "".join(self._held), []
            take(words)

    def _macro(self, line: Line) -> None:
        name, arguments = line.name, line.arguments
        if name in _TOGETHER:
            self._say("".join(arguments))
        elif name in _FONTS:
            if arguments:
                self._say(" ".join(arguments))
        elif (macro := getattr(self, f"_macro_{name}", None)) is not None:
            if name not in _MIDDLE:
                self._hear_out()
            macro(arguments)
        elif name not in _SILENT and arguments and name[0].isupper() and len(name) <= 3:
            self._say(" ".join(arguments))  # a macro that is not known: its words are kept

    def _macro_TH(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        words = [plain(word) for word in arguments]
        self.name, self.section = (*words, "", "")[:2]

    def _macro_SH(self, arguments: tuple[str, ...], level: int = 1) -> None:  # noqa: N802
        def begin(title: str) -> None:
            self._section = title if level == 1 else self._section
            self._layout.heading(title, level)

        self._layout.end_display()
        if arguments:
            begin(plain(" ".join(arguments)))
        else:
            self._waiting = begin

    def _macro_SS(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._macro_SH(arguments, 2)

    def _macro_PP(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.paragraph()

    _macro_P = _macro_LP = _macro_HP = _macro_PP  # noqa: N815

    def _macro_TP(self, arguments: tuple[str, ...], near: bool = False) -> None:  # noqa: N802
        self._waiting = lambda tag: self._layout.item(tag, near=near)

    def _macro_TQ(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._macro_TP(arguments, near=True)

    def _macro_IP(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        tag = plain(arguments[0]) if arguments else ""
        if tag.strip():
            self._layout.item(tag)
        else:
            self._layout.paragraph(hanging=True)

    def _macro_RS(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.indent()

    def _macro_RE(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.dedent()

    def _macro_nf(self, arguments: tuple[str, ...]) -> None:
        self._layout.begin_display()

    _macro_EX = _macro_nf  # noqa: N815

    def _macro_fi(self, arguments: tuple[str, ...]) -> None:
        self._layout.end_display()

    _macro_EE = _macro_fi  # noqa: N815

    def _macro_br(self, arguments: tuple[str, ...]) -> None:
        self._layout.end_line()

    def _macro_sp(self, arguments: tuple[str, ...]) -> None:
        if not (arguments and arguments[0].startswith("-")):
            self._layout.gap()

    def _macro_UR(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._link = plain(arguments[0]) if arguments else ""

    _macro_MT = _macro_UR  # noqa: N815

    def _macro_UE(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        if self._link:
            self._say(f"<{self._link}>" + "".join(arguments[:1]))
        self._link = ""

    _macro_ME = _macro_UE  # noqa: N815

    def _macro_URL(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        address, words, after = (*arguments, "", "", "")[:3]
        self._say(f"{words} <{address}>{after}".lstrip())

    _macro_MTO = _macro_URL  # noqa: N815

    def _macro_MR(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        name, section, after = (*arguments, "", "", "")[:3]
        self._say(f"{name}({section}){after}" if section else name + after)

    def _macro_SY(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.end_line()
        self._say(" ".join(arguments[:1]))

    def _macro_OP(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._say(f"[{' '.join(arguments)}]")

    def _macro_YS(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.end_line()


_MIDDLE = {
    "UR",
    "UE",
    "MT",
    "ME",
    "MR",
    "URL",
    "MTO",
    "OP",
    "br",
    "sp",
}  # they can stand in the line that is waited for
