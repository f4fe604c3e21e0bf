"""The macros of mdoc(7): sections, lists and displays; what is inside of a line is in ``mdoc_inline``."""

from __future__ import annotations

from collections.abc import Iterable

from tierwise.knowledge.reading.man.escapes import plain
from tierwise.knowledge.reading.man.layout import Layout
from tierwise.knowledge.reading.man.mdoc_inline import INLINE, Inline
from tierwise.knowledge.reading.man.mdoc_phrases import listed
from tierwise.knowledge.reading.man.requests import Line
from tierwise.knowledge.reading.man.tables import table_rows

_ENUMERATED = {"-enum"}
_BULLETS = {"-bullet": "\u2022", "-dash": "-", "-hyphen": "-", "-item": ""}
_RUN_ON = {"-inset", "-diag"}


class MdocMacros:
    """Lays out the lines of a page written with mdoc(7).

    Attributes:
        name: the page's name as ``.Dt`` gives it.
        section: the manual's section that it belongs to.
        about: what its NAME section says.
    """

    def __init__(self, layout: Layout) -> None:
        self.name = self.section = self.about = ""
        self._layout = layout
        self._inline = Inline()
        self._section = ""
        self._lists: list[list[object]] = []  # of each list that is open its kind and the number of its items
        self._displays: list[bool] = []  # of each display that is open whether its lines stay lines
        self._rows: list[str] | None = None  # of a list of columns
        self._table: list[Line] | None = None
        self._reference: dict[str, list[str]] | None = None
        self._tag: list[str] | None = None  # words of an item's tag that goes on over lines (`Xo`)

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
            elif not line.name:
                self._text(line.text)
            elif (macro := getattr(self, f"_macro_{line.name}", None)) is not None:
                macro(line.arguments)
            elif self._reference is not None and line.name.startswith("%"):
                self._reference.setdefault(line.name[1:], []).append(plain(" ".join(line.arguments)))
            elif line.name in INLINE:
                self._say(self._inline.line((line.name, *line.arguments)))
            elif line.name.startswith("%"):
                self._say(self._inline.line(line.arguments, called=False))
        if self._table is not None:
            self._layout.table(*table_rows(self._table))
        self._end_columns()
        self._end_tag()
        self._layout.close()

    def _text(self, text: str) -> None:
        if text.strip():
            self._say(self._inline.text(text))
        elif self._tag is None and self._rows is None:
            self._layout.gap()

    def _say(self, words: str) -> None:
        """Put the words of a line where they belong: to the tag, the row or the paragraph that is open."""
        glue = self._inline.glued_before
        if self._tag is not None:
            self._tag.append(words if glue or not self._tag else f" {words}")
            if not self._inline.extended:
                self._end_tag()
        elif self._rows is not None and self._rows:
            self._rows[-1] += words if glue else f" {words}"
        else:
            if self._section.upper() == "NAME":
                self.about = f"{self.about} {words}".strip()[:500]
            self._layout.words(words, glued=self._inline.glued_after)

    # -- the page ------------------------------------------------------------------------------------------------------

    def _macro_Dt(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self.name, self.section = (*(plain(word) for word in arguments), "", "")[:2]

    def _macro_Dd(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        """The date, the system, anchors and hints for layout say nothing to a reader."""

    _macro_Os = _macro_Tg = _macro_Bk = _macro_Ek = _macro_Bf = _macro_Ef = _macro_Hf = _macro_Db = _macro_Dd  # noqa: N815

    def _macro_Sh(self, arguments: tuple[str, ...], level: int = 1) -> None:  # noqa: N802
        self._end_columns()
        self._end_tag()
        title = self._inline.line(arguments, called=False)
        self._section = title if level == 1 else self._section
        self._lists.clear()
        self._displays.clear()
        self._layout.end_display()
        self._layout.heading(title, level)

    def _macro_Ss(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._macro_Sh(arguments, 2)

    def _macro_Pp(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.paragraph(hanging=bool(self._lists))

    _macro_Lp = _macro_Pp  # noqa: N815

    def _macro_br(self, arguments: tuple[str, ...]) -> None:
        self._layout.end_line()

    def _macro_sp(self, arguments: tuple[str, ...]) -> None:
        self._layout.gap()

    def _macro_nf(self, arguments: tuple[str, ...]) -> None:
        self._layout.begin_display()

    def _macro_fi(self, arguments: tuple[str, ...]) -> None:
        self._layout.end_display()

    def _macro_Nm(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        if self._section.upper() == "SYNOPSIS" and self._tag is None and not self._lists:
            self._layout.end_line()
        self._say(self._inline.line(("Nm", *arguments)))

    def _macro_Nd(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        words = self._inline.line(arguments, called=False)
        self.about = f"{self.about} \u2013 {words}"
        self._layout.words(f"\u2013 {words}")

    def _macro_Fd(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.end_line()
        self._say(self._inline.line(arguments, called=False))
        self._layout.end_line()

    def _macro_In(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        synopsis = self._section.upper() == "SYNOPSIS"
        if synopsis:
            self._layout.end_line()
        self._say(f"{'#include ' if synopsis else ''}{self._inline.line(('In', *arguments))}")

    def _macro_Fn(self, arguments: tuple[str, ...], macro: str = "Fn") -> None:  # noqa: N802
        words = self._inline.line((macro, *arguments))
        if self._section.upper() == "SYNOPSIS":
            self._say(words.rstrip(";") + ";")
            self._layout.end_line()
        else:
            self._say(words)

    def _macro_Fc(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._macro_Fn(arguments, "Fc")

    # -- lists ---------------------------------------------------------------------------------------------------------

    def _macro_Bl(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._end_tag()
        kind = next(
            (word for word in arguments if word.startswith("-") and word not in ("-compact", "-offset", "-width")), ""
        )
        if self._lists:
            self._layout.indent()
        self._layout.gap()
        self._lists.append([kind, 0])
        if kind == "-column" and self._rows is None:
            self._rows = []

    def _macro_It(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._end_tag()
        if not self._lists:
            self._lists.append(["-tag", 0])
        kind, count = str(self._lists[-1][0]), self._lists[-1][1]
        self._lists[-1][1] = count + 1 if isinstance(count, int) else 1
        if kind in _ENUMERATED:
            self._layout.item(f"{self._lists[-1][1]}.")
        elif kind in _BULLETS:
            if _BULLETS[kind]:
                self._layout.item(_BULLETS[kind])
            else:
                self._layout.paragraph(hanging=True)
        elif self._rows is not None:
            self._rows.append(self._inline.line(arguments, called=True))
        else:
            words = self._inline.line(arguments, called=True)
            self._tag = [words] if words else []
            if not self._inline.extended:
                self._end_tag()

    def _end_tag(self) -> None:
        if self._tag is not None:
            words, self._tag = "".join(self._tag), None
            if self._lists and self._lists[-1][0] in _RUN_ON:
                self._layout.paragraph(hanging=True)
                self._layout.words(words)
            else:
                self._layout.item(words)

    def _macro_El(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._end_tag()
        self._layout.end_line()
        if self._lists:
            self._lists.pop()
            if self._lists:
                self._layout.dedent()
            else:
                self._end_columns()
                self._layout.paragraph()

    def _end_columns(self) -> None:
        if self._rows is not None:
            cells = ([" ".join(cell.split()) for cell in row.split("\t")] for row in self._rows)
            self._layout.table([" | ".join(row).strip() for row in cells], None)
            self._rows = None

    # -- displays ------------------------------------------------------------------------------------------------------

    def _macro_Bd(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        literal = bool({"-literal", "-unfilled"} & set(arguments[:2]))
        self._displays.append(literal)
        self._layout.gap()
        if literal:
            self._layout.begin_display()

    def _macro_Ed(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        if self._displays and self._displays.pop():
            self._layout.end_display()
        self._layout.gap()

    def _macro_Dl(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._layout.begin_display()
        self._layout.words(self._inline.line(arguments, called=True))
        self._layout.end_display()

    _macro_D1 = _macro_Dl  # noqa: N815

    # -- references ----------------------------------------------------------------------------------------------------

    def _macro_Rs(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        self._reference = {}

    def _macro_Re(self, arguments: tuple[str, ...]) -> None:  # noqa: N802
        fields, self._reference = self._reference or {}, None
        order = [key for key in "ATBJRNVPQCDUIO" if key in fields]
        if order:
            parts = [listed(fields[key]) if key == "A" else ", ".join(fields[key]) for key in order]
            self._say(", ".join(parts) + ".")
