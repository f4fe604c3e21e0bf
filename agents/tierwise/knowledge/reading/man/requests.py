"""Roff's requests: strings, macros, conditions, comments; what is left are the lines that a macro package sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tierwise.knowledge.reading.man.conditions import holds, number
from tierwise.knowledge.reading.problem import Unreadable

_MAX_CALLS = 20  # macros inside of macros
_MAX_ON_A_LINE = 100  # conditions one after the other
_MAX_LINE = 20_000  # characters after strings were put in
_COMMENT = re.compile(r"(?P<kept>(?:[^\\]|\\[^\"#])*+)\\[\"#]")
_CONTROL = re.compile(r"[.'][ \t]*(?P<name>[^ \t\\]*(?:\\[^{}][^ \t\\]*)*)(?P<rest>.*)", re.S)
_INSERT = re.compile(r"\\\\|\\(?P<kind>[*n])(?P<sign>[-+]?)(?:\((?P<pair>..)|\[(?P<name>[^\]\s]*)[^\]]*\]|(?P<one>.))")
_PARAMETER = re.compile(r"\\\\|\\\$(?:(?P<one>[0-9@*])|\((?P<pair>..)|\[(?P<name>[^\]]*)\])")
_ARGUMENT = re.compile(r"\"(?P<quoted>(?:[^\"]|\"\")*+)\"?|(?P<bare>(?:\\.|[^ \\])+)|(?P<odd>\\)")
_BRACES = re.compile(r"\\(?:[^{}]|(?P<brace>[{}]))", re.S)
_STRINGS = {"R": "\\(rg", "Tm": "\\(tm", "lq": "\\(lq", "rq": "\\(rq", "Aq": "\\(aq", ".T": "utf8", "-": "\\-"}
_STRINGS |= {'L"': "\\(lq", 'R"': "\\(rq", "C'": "", "C`": "", "S": "", "Am": "&", "Lt": "<", "Gt": ">", "Ba": "|"}
_STRINGS |= {"Le": "\\(<=", "Ge": "\\(>=", "Ne": "\\(!=", "Pm": "\\(+-", "If": "\\(if", "Pi": "\\(*p", "Na": "NaN"}
_STRINGS |= {"q": '"', "Rq": "\\(rq", "Lq": "\\(lq"}
_REGISTERS = {".g": 1, ".$": 0, "F": 0, ".l": 78, ".H": 24, ".V": 40, ".x": 1, ".y": 23}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a manual page: a call of a macro or a request, or text.

    Attributes:
        name: what is called; empty for text.
        arguments: of the call, with escapes.
        text: the line's text, or all that comes after the call's name.
    """

    name: str
    arguments: tuple[str, ...]
    text: str


class Roff:
    """Reads a manual page line by line and does what its requests say.

    Attributes:
        left_out: the files that it would bring in, which are not read.
    """

    def __init__(self, text: str) -> None:
        self.left_out: list[str] = []
        self._strings = dict(_STRINGS)
        self._macros: dict[str, list[str]] = {}
        self._registers: dict[str, float] = dict(_REGISTERS)
        self._sources: list[Iterator[str]] = [iter(text.split("\n"))]
        self._arguments: list[tuple[str, ...]] = [()]
        self._otherwise = [False]  # of each `.ie` whether its `.el` is to be done
        # Macros can multiply: a page of a kilobyte must not become a gigabyte.
        self._budget = 20 * len(text) + 100_000

    def lines(self) -> Iterator[Line]:
        """The lines, in order."""
        while (line := self._next()) is not None:
            if (done := self._do(line)) is not None:
                yield done

    def _next(self) -> str | None:
        """The next line without its comment, joined with those after it that it goes on in; ``None`` at the end."""
        joined = ""
        while self._sources:
            line = next(self._sources[-1], None)
            if line is None:
                self._sources.pop()
                self._arguments.pop()
                continue
            if comment := _COMMENT.match(line):
                line = comment["kept"]
                if line.strip() in ("", ".", "'") and not joined:
                    continue
            self._spend(len(line) + 1)
            if line.endswith("\\") and not line.endswith("\\\\") and len(joined) < _MAX_LINE:
                joined += line[:-1]
                continue
            whole = self._with_strings(self._with_parameters(joined + line))
            self._spend(len(whole) - len(line))
            return whole
        return joined or None

    def _spend(self, characters: int) -> None:
        self._budget -= characters
        if self._budget < 0:
            raise Unreadable("Its macros make far more text than it has.", fix="Save what `man` shows of it as text.")

    def _do(self, line: str) -> Line | None:
        """Do what a line asks for; what is left of it for a macro package, if anything."""
        for _ in range(_MAX_ON_A_LINE):
            bare = line.replace("\\}", "")
            match = _CONTROL.match(bare) if bare[:1] in (".", "'") else None
            if match is None:
                return Line("", (), bare) if bare.strip() or bare == line else None
            name, rest = match["name"], match["rest"].lstrip(" \t")
            if name in ("if", "ie", "el", "while"):
                body = self._condition(name, rest)
                if not body:
                    return None
                line = body
            elif name in ("do", "nop"):
                line = f".{rest}" if name == "do" else rest
            elif name in self._macros:
                self._call(name, arguments_of(rest))
                return None
            elif (request := getattr(self, f"_request_{name}", None)) is not None:
                request(rest)
                return None
            else:
                return Line(name, arguments_of(rest), rest) if name else None
        return None

    def _condition(self, name: str, rest: str) -> str:
        """What is to be done on a condition's own line; what is not to be done is passed over."""
        if name == "el":
            true, body = self._otherwise.pop() if len(self._otherwise) > 1 else False, rest
        else:
            true, body = holds(rest, self._registers, lambda word: word in self._macros or word in self._strings)
            true = true and name != "while"  # a loop draws or counts: its text is seen once or not at all
        if name == "ie" and len(self._otherwise) < 1000:
            self._otherwise.append(not true)
        body = body.lstrip(" \t")
        if true:
            return body.removeprefix("\\{").lstrip(" \t")
        depth = _depth(body)
        while depth > 0 and (skipped := self._next()) is not None:
            depth += _depth(skipped)
        return ""

    def _call(self, name: str, arguments: tuple[str, ...]) -> None:
        if len(self._sources) <= _MAX_CALLS:
            self._sources.append(iter(self._macros[name]))
            self._arguments.append(arguments)

    # -- requests that leave no line -----------------------------------------------------------------------------------

    def _request_de(self, rest: str) -> None:
        name, _, end = rest.strip().partition(" ")
        body = self._until(f".{end.strip() or '.'}")
        if name not in _KEPT:
            self._macros[name] = body

    _request_de1 = _request_de

    def _request_am(self, rest: str) -> None:
        self._until("..")

    def _request_ig(self, rest: str) -> None:
        self._until(f".{rest.strip() or '.'}")

    def _until(self, end: str) -> list[str]:
        """The lines of a definition, as they are when it is called."""
        body = []
        for line in self._sources[-1]:
            if re.sub(r"^'", ".", line).replace(" ", "").rstrip() == end:
                break
            body.append(line.replace("\\\\", "\\"))
        return body

    def _request_ds(self, rest: str) -> None:
        name, _, value = rest.partition(" ")
        self._strings[name] = value.lstrip(" ").removeprefix('"')[:_MAX_LINE]

    _request_ds1 = _request_ds

    def _request_as(self, rest: str) -> None:
        name, _, value = rest.partition(" ")
        self._strings[name] = (self._strings.get(name, "") + value.lstrip(" ").removeprefix('"'))[:_MAX_LINE]

    def _request_nr(self, rest: str) -> None:
        words = rest.split()
        if len(words) > 1:
            before = self._registers.get(words[0], 0) if words[1][0] in "+-" else 0
            self._registers[words[0]] = before + number(words[1])

    def _request_rm(self, rest: str) -> None:
        for name in rest.split():
            self._macros.pop(name, None)
            self._strings.pop(name, None)

    def _request_als(self, rest: str) -> None:
        words = rest.split()
        if len(words) > 1 and words[1] in self._macros:
            self._macros[words[0]] = self._macros[words[1]]

    def _request_so(self, rest: str) -> None:
        if rest.strip():
            self.left_out.append(rest.strip()[:200])

    def _request_mso(self, rest: str) -> None:
        """Macro packages: what they would define is known here."""

    _request_rr = _request_tr = _request_char = _request_fchar = _request_hw = _request_tm = _request_rn = _request_mso
    _request_return = _request_shift = _request_break = _request_continue = _request_ec = _request_eo = _request_mso

    # -- strings, registers, parameters --------------------------------------------------------------------------------

    def _with_strings(self, line: str) -> str:
        for _ in range(5):  # strings in strings
            if "\\*" not in line and "\\n" not in line:
                break
            line = _INSERT.sub(self._inserted, line)[:_MAX_LINE]
        return line

    def _inserted(self, match: re.Match[str]) -> str:
        if match["kind"] is None:
            return match[0]  # a backslash by itself
        name = match["pair"] or match["name"] or match["one"] or ""
        if match["kind"] == "*":
            return self._strings.get(name, "")[:_MAX_LINE]
        value = self._registers.get(name, 0)
        return str(int(value)) if abs(value) < 1e9 else "0"

    def _with_parameters(self, line: str) -> str:
        if "\\$" not in line:
            return line
        given = self._arguments[-1] if self._arguments else ()

        def put(match: re.Match[str]) -> str:
            if match[0] == "\\\\":
                return match[0]
            name = match["one"] or match["pair"] or match["name"] or ""
            if name in ("@", "*"):
                return " ".join(f'"{word}"' if name == "@" else word for word in given)
            return given[int(name) - 1] if name.isdecimal() and 0 < int(name) <= len(given) else ""

        return _PARAMETER.sub(put, line)[:_MAX_LINE]


# A page may define these anew, mostly for old systems; what is known of them here says more than their lines do.
_KEPT = {"TH", "SH", "SS", "PP", "P", "LP", "TP", "TQ", "IP", "HP", "RS", "RE", "B", "I", "BR", "BI", "IR", "RB", "RI"}
_KEPT |= {
    "IB",
    "SM",
    "SB",
    "EX",
    "EE",
    "UR",
    "UE",
    "MT",
    "ME",
    "MR",
    "SY",
    "YS",
    "OP",
    "TS",
    "TE",
    "PD",
    "IX",
    "URL",
    "MTO",
}


def arguments_of(rest: str) -> tuple[str, ...]:
    """The arguments of a call: words, or what stands in quotes; a doubled quote inside of them is one."""
    found = []
    for match in _ARGUMENT.finditer(rest.strip(" \t")):
        if match["quoted"] is not None:
            found.append(match["quoted"].replace('""', '"'))
        else:
            found.append(match["bare"] or "\\")
    return tuple(found)


def _depth(line: str) -> int:
    """How many more braces a line opens than it closes."""
    braces = [match["brace"] for match in _BRACES.finditer(line)]
    return braces.count("{") - braces.count("}")
