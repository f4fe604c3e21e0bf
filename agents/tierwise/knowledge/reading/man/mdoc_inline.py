"""What mdoc(7) writes inside of a line: macros that call each other, and where spaces go."""

from __future__ import annotations

from collections.abc import Sequence

from tierwise.knowledge.reading.man.escapes import plain
from tierwise.knowledge.reading.man.mdoc_phrases import SYSTEMS, ending, standard

# What is around the words of each: as one macro for a line, and as an opening and a closing one.
_AROUND = {
    "Op": "[]",
    "Bq": "[]",
    "Pq": "()",
    "Brq": "{}",
    "Aq": "<>",
    "Dq": "\u201c\u201d",
    "Sq": "\u2018\u2019",
    "Ql": "\u2018\u2019",
    "Qq": '""',
    "En": "\0\0",
}
_OPEN = {
    "Oo": "[",
    "Bo": "[",
    "Po": "(",
    "Bro": "{",
    "Ao": "<",
    "Do": "\u201c",
    "So": "\u2018",
    "Qo": '"',
    "Eo": "",
    "Xo": "",
}
_CLOSE = {
    "Oc": "]",
    "Bc": "]",
    "Pc": ")",
    "Brc": "}",
    "Ac": ">",
    "Dc": "\u201d",
    "Sc": "\u2019",
    "Qc": '"',
    "Ec": "",
    "Xc": "",
}
_PLAIN = {
    "Ar",
    "Cm",
    "Ic",
    "Li",
    "Pa",
    "Ev",
    "Va",
    "Fa",
    "Ft",
    "Dv",
    "Er",
    "Sy",
    "Em",
    "No",
    "Nm",
    "Ad",
    "An",
    "Cd",
    "Fr",
}
_PLAIN |= {
    "Ms",
    "Tn",
    "Vt",
    "Lb",
    "Mt",
    "Sx",
    "Lk",
    "Fl",
    "Xr",
    "Fn",
    "Fo",
    "Fc",
    "In",
    "Pf",
    "Ns",
    "Ap",
    "Ta",
    "Ux",
    "Bx",
}
_PLAIN |= {"Nx", "Fx", "Ox", "Dx", "Bsx", "At", "St", "Ex", "Rv", "Sm", "Bt", "Ud", "Nd", "Fd", "Hf", "Es"}
INLINE = _PLAIN | set(_AROUND) | set(_OPEN) | set(_CLOSE)
"""The macros that stand inside of a line."""

_CLOSING = set(".,:;)]?!")
_OPENING = set("([")
_DEFAULTS = {"Ar": ("file", "..."), "Pa": ("~",), "Mt": ("~",)}


class Inline:
    """Turns the macros of a line into words.

    Attributes:
        extended: whether a tag that began with ``Xo`` goes on in the next line.
        glued_before: whether the words of the last line follow those before them without a space.
        glued_after: whether the words of the next line follow those of the last without a space.
    """

    def __init__(self) -> None:
        self.extended = False
        self.glued_before = False
        self.glued_after = False
        self._name = ""  # of the page: what `Nm` says by itself
        self._spaced = True  # `Sm off` turns it off
        self._function = 0  # how many arguments of an open `Fo` there were, plus one

    def text(self, text: str) -> str:
        """A line of text."""
        self.glued_before, self.glued_after = self.glued_after, text.rstrip().endswith("\\c")
        return plain(text)

    def line(self, arguments: Sequence[str], *, called: bool = True) -> str:
        """The words of a line of macros; with ``called`` false it begins with words, not with a macro's name."""
        run = _Run(self._spaced)
        if not called:
            run.text_first = True
        self._run(list(arguments), run)
        self.glued_before = self.glued_after or run.glue_first
        self.glued_after = run.glue or not (run.spaced or run.empty)
        self._spaced = run.spaced
        return run.result()

    def _run(self, words: list[str], run: _Run) -> None:
        closing: list[str] = []  # what ends with the line: the brackets of `Op` and its like
        at = 0
        run.tail = len(words)
        while run.tail and words[run.tail - 1] in _CLOSING:
            run.tail -= 1
        if run.text_first and words:
            at = self._words(words, 0, run, "")
        while at < len(words):
            word = words[at]
            at += 1
            if word in _AROUND:
                run.put(_AROUND[word][0].strip("\0"), opens=True)
                closing.append(_AROUND[word][1].strip("\0"))
                at = self._words(words, at, run, "")
            elif word in _OPEN:
                self.extended = self.extended or word == "Xo"
                if _OPEN[word]:
                    run.put(_OPEN[word], opens=True)
                at = self._words(words, at, run, "")
            elif word in _CLOSE:
                self.extended = self.extended and word != "Xc"
                if _CLOSE[word]:
                    run.put(_CLOSE[word], closes=True)
                at = self._words(words, at, run, "")
            elif word in INLINE:
                at = self._macro(word, words, at, run)
            else:
                run.put(plain(word), **_sides(word))
            # Punctuation at the end of a line stands behind its closing brackets.
            if closing and at >= run.tail:
                break
        for bracket in reversed(closing):
            run.put(bracket, closes=True)
        for word in words[at:]:
            run.put(word, closes=True)

    def _words(self, words: list[str], at: int, run: _Run, before: str) -> int:
        """Put the words up to the next macro, each with ``before`` in front; returns where that is."""
        while at < len(words) and words[at] not in INLINE:
            if words[at] == "|" or words[at] in _CLOSING or words[at] in _OPENING:
                run.put(words[at], **_sides(words[at]))
            else:
                run.put(before + plain(words[at]))
            at += 1
            if at == run.tail:
                break  # see _run
        return at

    def _macro(self, name: str, words: list[str], at: int, run: _Run) -> int:
        given = at
        while given < len(words) and words[given] not in INLINE and words[given] not in _CLOSING:
            given += 1
        arguments = [plain(word) for word in words[at:given]]
        if name == "Ns":
            run.glue = True
            run.glue_first = run.glue_first or run.empty
        elif name == "Ap":
            run.put("'", opens=True, closes=True)
        elif name == "Sm":
            run.spaced = arguments[:1] != ["off"] if arguments else not run.spaced
            return given
        elif name == "Pf":
            run.put("".join(arguments[:1]), opens=True)
            return self._words(words, at + 1, run, "")
        elif name == "Ta":
            run.put("\t", opens=True, closes=True)
        elif name == "Fl":
            if not arguments:
                run.put("-", opens=at < len(words) and words[at] in INLINE and words[at] != "Ns")
            return self._words(words, at, run, "-")
        elif name == "Nm":
            self._name = self._name or " ".join(arguments)
            if not arguments:
                run.put(self._name)
        elif name == "Xr" and arguments:
            run.put(f"{arguments[0]}({arguments[1]})" if len(arguments) > 1 else arguments[0])
            return min(at + 2, given)
        elif name == "Lk" and arguments:
            run.put(f"{' '.join(arguments[1:])} <{arguments[0]}>".lstrip() if len(arguments) > 1 else arguments[0])
            return given
        elif name == "In" and arguments:
            run.put(f"<{arguments[0]}>")
            return at + 1
        elif name == "Fn" and arguments:
            run.put(f"{arguments[0]}({', '.join(arguments[1:])})")
            return given
        elif name == "Fo":
            self._function = 1
            run.put(f"{' '.join(arguments)}(", opens=True)
            return given
        elif name == "Fc":
            self._function = 0
            run.put(")", closes=True)
        elif name == "Fa" and self._function:
            for argument in arguments:
                run.put(f", {argument}" if self._function > 1 else argument, closes=self._function > 1)
                self._function += 1
            run.glue = True
            return given
        elif name in ("Ex", "Rv"):
            run.put(ending(name, [word for word in arguments if word != "-std"] or [self._name]))
            return given
        elif name in SYSTEMS:
            version = "".join(arguments[:1])
            run.put(f"{version}{SYSTEMS[name]}" if name == "Bx" else f"{SYSTEMS[name]} {version}".rstrip())
            return min(at + 1, given)
        elif name == "St" and arguments:
            run.put(standard(arguments[0].lstrip("-")))
            return given
        elif name == "Lb" and arguments:
            run.put(f"library \u201c{arguments[0]}\u201d")
            return given
        elif name == "An" and arguments and arguments[0] in ("-split", "-nosplit"):
            return given
        elif name in ("Bt", "Ud"):
            run.put("is currently in beta test." if name == "Bt" else "currently under development.")
        elif not arguments and name in _DEFAULTS:
            for word in _DEFAULTS[name]:
                run.put(word)
        return self._words(words, at, run, "")


class _Run:
    """The words of a line as they come together."""

    def __init__(self, spaced: bool) -> None:
        self.spaced = spaced
        self.glue = False  # whether the next word follows without a space
        self.glue_first = False
        self.text_first = False
        self.tail = 0  # where the punctuation at the end of the line begins
        self._parts: list[str] = []

    @property
    def empty(self) -> bool:
        return not self._parts

    def put(self, word: str, *, opens: bool = False, closes: bool = False) -> None:
        """Put a word; one that ``opens`` has no space behind it, one that ``closes`` none before it."""
        if not word:
            return
        if self._parts and not closes and not self.glue and self.spaced:
            self._parts.append(" ")
        elif not self._parts and closes:
            self.glue_first = True
        self._parts.append(word)
        self.glue = opens

    def result(self) -> str:
        return "".join(self._parts)


def _sides(word: str) -> dict[str, bool]:
    return {"opens": word in _OPENING, "closes": word in _CLOSING}
