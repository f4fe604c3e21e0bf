"""What a short answer means: an option's letter, a number, a Python or JSON literal, or words made comparable.

Everything here reads one answer that was found already (:mod:`tierwise.verify.final`); nothing raises, whatever the
text is, and nothing is evaluated but literals.
"""

from __future__ import annotations

import ast
import re
from fractions import Fraction
from typing import NamedTuple

from tierwise.verify.citing.facts import facts_of

_LONGEST = 20_000  # characters of a literal
_DEEPEST = 60  # brackets inside brackets
_DIGITS = 400

# -- numbers -----------------------------------------------------------------------------------------------------------

_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WHOLE = r"\d{1,3}(?:(?:,|\{,\}|\\,|[ \u00a0\u202f])\d{3})++(?!\d)|\d++"
_PLACES = rf"(?>(?:{_WHOLE})(?:\.\d++)?|\.\d++)"
NUMBER = re.compile(
    r"(?<![\w.^])(?<!\^\{)(?<!_\{)(?<!\d:)"
    r"(?P<sign>(?<![\w.)])[-+\u2212\u2013]\s?)?(?P<currency>(?:\\?\$|[\u20ac\u00a3\u00a5])\s?)?(?P<inner>[-\u2212])?"
    rf"(?:(?P<mixed>\d{{1,6}}(?:\s(?=\d+/\d)|\s?(?=\\[dt]?frac)))?"
    r"(?:\\[dt]?frac\s?\{\s?(?P<over>-?\d{1,30})\s?\}\s?\{\s?(?P<under>\d{1,30})\s?\}"
    r"|\\[dt]?frac(?P<over1>\d)(?P<under1>\d)"
    r"|(?P<top>\d{1,30}+)\s?/\s?(?P<bottom>\d{1,30}+)(?![\d/]))"
    rf"|(?P<places>{_PLACES})(?:[eE](?P<e>[-+]?\d{{1,3}}+)\b"
    r"|\s?(?:\u00d7|\\times|\\cdot|\*|x)\s?10\s?(?:\^|\*\*)\s?\{?(?P<power>[-+\u2212]?\d{1,3}+)\}?)?)"
    r"(?:\s(?P<scale>hundred|thousand|million|billion|trillion)\b)?"
    r"(?P<percent>\s?\\?%|\spercent\b)?"
    r"(?![.,]?\d)(?!:\d)(?!(?:st|nd|rd|th)\b)",
    re.IGNORECASE,
)
"""A number as drafts write it: sign, currency, grouping, fraction (LaTeX, too), power of ten, scale, percent sign."""

_BEFORE = re.compile(r"(?:about|approximately|approx\.?|around|roughly|nearly|[~\u2248]|(?:\\?[a-z]\s?=))\s*", re.I)
_UNIT = re.compile(r"\s?(?:[^\W\d_]|\u00b0)[^\W\d_]*(?:(?:[ /\u00b7-]|\^\{?\d\}?|[\u00b2\u00b3])[^\W\d_]*){0,5}")
_NO_UNIT = frozenset(
    ["and", "or", "to", "plus", "minus", "times", "pi", "mod", "over", "of", "if", "when", "where", "is", "are"]
)
_VARIABLES = frozenset("abdeijknopqrtuxyz")  # "5x" is algebra, "5m" is not


class Number(NamedTuple):
    """A value, exact, and ``%``, ``$``, ``\u20ac``, ``\u00a3`` or ``\u00a5`` if one was written beside it."""

    value: Fraction
    unit: str


def number_of(text: str) -> Number | None:
    """Read a text that is one number and no more than a unit beside it; ``None`` for anything else.

    Units in words are passed over: ``60 km`` and ``60 m`` are both 60.
    """
    if len(text) > _DIGITS:
        return None
    body = bare(text).rstrip(".").strip()
    start = _BEFORE.match(body)
    match = NUMBER.match(body, start.end() if start else 0)
    if match is None:
        return _in_words(body)
    rest = tex_text(body[match.end() :]).strip()
    if rest:
        unit = _UNIT.fullmatch(rest)
        if unit is None or len(rest.split()) > 4:
            return None
        first = re.split(r"[^a-z]", rest.lower(), maxsplit=1)[0]
        if first in _NO_UNIT or (first == rest.lower() and first in _VARIABLES):
            return None
    return read_number(match)


def read_number(match: re.Match[str]) -> Number | None:
    """The value of a match of :data:`NUMBER`; ``None`` if it divides by zero."""
    try:
        if match["places"]:
            value = Fraction(re.sub(r"[^\d.]", "", match["places"].replace("{,}", "")))
            power = match["e"] or (match["power"] or "0").replace("\u2212", "-")
            value *= Fraction(10) ** int(power)
        else:
            over = match["over"] or match["over1"] or match["top"]
            value = Fraction(int(over), int(match["under"] or match["under1"] or match["bottom"]))
            value += int(match["mixed"] or 0)
    except (ValueError, ZeroDivisionError):
        return None
    value *= _SCALES.get((match["scale"] or "").lower(), 1)
    if (match["sign"] or "+").strip() != "+" or match["inner"]:
        value = -value
    return Number(value, "%" if match["percent"] else (match["currency"] or "").strip().lstrip("\\"))


def same_number(one: Number, other: Number) -> bool:
    """Equal but for the way they are written.

    A unit counts where both have one; decimals may differ by a millionth of themselves.
    """
    if one.unit and other.unit and one.unit != other.unit:
        return False
    a, b = one.value, other.value
    if a == b or (a.denominator == b.denominator == 1):
        return a == b
    return abs(a - b) <= max(abs(a), abs(b)) / 1_000_000


def _in_words(text: str) -> Number | None:
    words = text.split()
    if not words or len(words) > 6 or not text.isascii() or not words[0].replace("-", "").isalpha():
        return None
    if text.lower() == "one":
        return Number(Fraction(1), "")
    found = facts_of(text.lower()).numbers
    first = facts_of(words[0].lower()).numbers  # "seven of them", not "Snow White and the seven dwarfs"
    if len(found) != 1 or not first:
        return None
    (number,) = found
    return Number(Fraction(number.value), "")


# -- letters -----------------------------------------------------------------------------------------------------------

_LETTER = re.compile(
    r"[\s*_`]*(?:(?:option|choice|answer)\s+)?"
    r"(?:\((?P<round>[A-Za-z])(?:\)|$)(?!\s*(?:,|and\b|or\b|&)\s*\(?[A-Za-z]\))|(?P<bare>[A-Z])(?:\)|(?=[.:*\s`]*$)|[.:](?=\s)))"
    r"(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)


def letter_of(text: str) -> str | None:
    """The option that a text names first (``H``, ``(h)``, ``H. Paris``, ``option H``) in upper case, or ``None``."""
    match = _LETTER.match(text[:_DIGITS])
    if match is None:
        return None
    bare_letter = match["bare"]
    if bare_letter and not bare_letter.isupper():
        return None
    # "J. K. Rowling" is a name.
    if bare_letter and re.match(r"[.:]?\s*[A-Z]\.", match["rest"]):
        return None
    return str(match["round"] or bare_letter).upper()


# -- literals ----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<space>\s++)"
    r"|(?P<string>[bB]?(?:'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"))"
    r"|(?P<number>(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![\w.]))"
    r"|(?P<name>(?:None|True|False|null|true|false|set(?=\(\)))(?!\w))"
    r"|(?P<open>[\[({])|(?P<close>[\])}])|(?P<mark>[,:+-])",
    re.DOTALL,
)
_JSON_NAMES = {"null": "None", "true": "True", "false": "False"}
_ESCAPE = re.compile(r"\\(?:U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_IN_BYTES = re.compile(r"\\(?:[\\'\"abfnrtv]|[0-3]?[0-7]{1,2}|x..)")
_IN_TEXT = re.compile(rf"{_IN_BYTES.pattern}|\\u....|\\U.{{8}}")


def literal_of(text: str) -> tuple[object] | None:
    """Read a text that is one Python or JSON literal; the value in a tuple of one, or ``None``.

    Numbers, strings, lists, tuples, dicts, sets, and ``true``, ``false``, ``null`` beside Python's names; at most
    20,000 characters and 60 brackets deep. Strings may have line breaks in them.
    """
    body = text.strip()
    if not body or len(body) > _LONGEST:
        return None
    pieces: list[str] = []
    depth = at = 0
    while at < len(body):
        token = _TOKEN.match(body, at)
        if token is None:
            return None
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        if depth > _DEEPEST:
            return None
        pieces.append(_python(token))
        at = token.end()
    try:
        return (ast.literal_eval("".join(pieces)),)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def literal_end(text: str, start: int) -> int | None:
    """One past the last character of the literal that starts at ``start``, or ``None`` if none does."""
    depth, at = 0, start
    stop = min(len(text), start + _LONGEST)
    while at < stop:
        token = _TOKEN.match(text, at, stop)
        if token is None:
            return None
        at = token.end()
        kind = token.lastgroup
        depth += (kind == "open") - (kind == "close")
        if depth < 0 or depth > _DEEPEST or (not depth and kind in ("space", "mark")):
            return None
        if not depth and token[0] != "set":
            return at if literal_of(text[start:at]) is not None else None
    return None


def same_literal(one: object, other: object) -> bool:
    """Equal, and of the same kinds: a tuple is no list, ``True`` is not 1, but 1.0 is."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_literal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_literal(value, other[key]) for key, value in one.items())
    return one == other


def _python(token: re.Match[str]) -> str:
    piece = token[0]
    if token.lastgroup == "string":
        known = _IN_BYTES if piece[0] in "bB" else _IN_TEXT
        piece = _ESCAPE.sub(lambda m: _escape(m[0], known), piece)
        return piece.replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\x00")
    if token.lastgroup == "space":
        return " "
    return _JSON_NAMES.get(piece, piece)


def _escape(found: str, known: re.Pattern[str]) -> str:
    """An escape that Python does not know stands for itself; its parser would warn on the terminal."""
    if found in ("\\\n", "\\/"):
        return found[1:].strip()
    return found if known.fullmatch(found) else "\\" + found


# -- words -------------------------------------------------------------------------------------------------------------

_TEX_WORDS = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|operatorname)\s?\{([^{}]*)\}")
_TEX_SPACES = re.compile(r"\\(?:[,;:! ]|left(?![a-z])|right(?![a-z])|displaystyle(?![a-z])|quad(?![a-z]))")
_FRACTION = re.compile(r"\\[dt]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_ATOM = re.compile(r"\(([^\W_]+)\)")
_TRAILING = re.compile(r"[,;:.!?](?=\s|$)")


def tex_text(text: str) -> str:
    """LaTeX without its spaces, fonts and delimiters."""
    text = _TEX_SPACES.sub("", _TEX_WORDS.sub(r" \1", text))
    return re.sub(r"\\[()\[\]]|(?<!\\)\$(?!\d)|\^\s?\{?\\circ\}?", "", text)


def bare(text: str) -> str:
    """A short answer without Markdown, the delimiters of formulas, and LaTeX's spaces."""
    text = re.sub(r"\*\*|`", "", text).strip(" \t\r\n*_").lstrip("> ")
    if text.count("$") - text.count("\\$") > 1:
        text = re.sub(r"(?<!\\)\$", "", text)
    text = _TEX_WORDS.sub(r" \1", re.sub(r"\\(?:left|right|displaystyle)(?![a-z])|\\[!;:()\[\]]", "", text))
    boxed = re.fullmatch(r"\s*\\boxed\s?\{(.*)\}\s*", text, re.DOTALL)
    return (boxed[1] if boxed else text).strip()


def plain_words(text: str) -> str:
    """The text in a form in which two ways of writing the same short answer are equal.

    Case, articles in front, Markdown, quotes around, marks after words and LaTeX's ways to write a fraction do not
    count.
    """
    text = bare(text).casefold().replace("\u2019", "'").replace("\u2212", "-").replace("\u03c0", "\\pi")
    formula = "\\" in text or "^" in text or "=" in text or "sqrt" in text
    if formula:
        text = re.sub(r"\s|\\(?:cdot|times)|\*", "", _FRACTION.sub(r"(\1)/(\2)", tex_text(text)))
        return _ATOM.sub(r"\1", text.replace("\\", "").replace("{", "(").replace("}", ")")).rstrip(".")
    text = " ".join(_TRAILING.sub(" ", text).split())
    return re.sub(r"^(?:the|an?) (?=\S)", "", text.strip("\"'\u201c\u201d ")).strip()
