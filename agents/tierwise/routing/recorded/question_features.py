"""The form of a question in about fifty numbers: length, figures, options, formulas, code. All are read off the text.

Counts are on the scale ``log(1 + n)``: a linear head then sees the step from 1 to 2 as large as that from 10 to 20.
"""

from __future__ import annotations

import math
import re

from tierwise.routing.features import surface_features

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION = re.compile(r"^\s*\(?([A-Z])[.):]\s*(.*)$", re.MULTILINE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_STRING = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_INDENT = re.compile(r"^( +)\S", re.MULTILINE)
_FORMULA = re.compile(r"\$[^$]+\$|\\[a-zA-Z]+")
_BLANK = re.compile(r"_{2,}")
_CODE = re.compile(r"def \w+\(|\breturn |[{};]$|\w\(\w*\)", re.MULTILINE)

# Words by what they ask for; each kind is one feature.
_KINDS = {
    "parts_of": "half third quarter percent percentage ratio fraction fractions thirds quarters",
    "times": "twice double triple doubled tripled times each every per",
    "compares": "more less fewer greater older younger longer than least most taller many much",
    "left_over": "left remain remaining remains rest total altogether average profit cost costs spend spent earn earns",
    "conditions": "if when unless after before until while then given suppose assume let",
    "time": "hour hours minute minutes second seconds day days week weeks month months year years",
    "wh": "what which who when where why how whose",
    "all_of": "all any always only both none except statement statements",
    "proof": "prove find smallest largest integer integers real distinct possible values value positive",
    "chance": "probability random randomly expected ways arrange choose dice die card cards",
    "geometry": "triangle circle radius angle area perimeter volume square polygon asy side length",
    "loops": "for while lambda range",
    "branches": "elif else try except break continue return",
    "string_calls": "join split rsplit replace strip lstrip rstrip find rfind index count partition rpartition zfill "
    "center ljust rjust upper lower title swapcase capitalize translate format encode startswith endswith",
    "list_calls": "append pop insert remove extend sort sorted reverse reversed update items keys enumerate zip",
    "tests": "in not is isalpha isdigit isupper islower isalnum isspace true false",
}
_KIND_OF: dict[str, list[str]] = {}
for _kind, _words in _KINDS.items():
    for _word in _words.split():
        _KIND_OF.setdefault(_word, []).append(_kind)
_MARKS = {"quotes": '"\u201c\u201d', "brackets": "([{"}
_WORD = re.compile(r"[a-z]+")
# Patterns that need more than a word.
_COUNTED = {
    "shares": re.compile(r"%|\d/\d"),
    "money": re.compile(r"[$\u20ac\u00a3]\s?\d"),
    "commands": re.compile(r"\\(?:frac|sqrt|sum|log|begin|cdot|binom|left|pi|angle|overline|text)"),
    "slices": re.compile(r"\[[^\]\n]*:[^\]\n]*\]"),
    "capitals": re.compile(r"(?<=[a-z,] )[A-Z][a-z]+"),
    "equal_signs": re.compile(r"[=!<>]=|[=<>]"),
}
_COMMON_WORDS = """
    the of a to in is and for that are with on by as an be from which at it this or was has have not his her he she they
    their if how many what does did each will can who when there
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def question_features(text: str) -> dict[str, float]:
    """Features of a question's form; the same names for every text, every value finite."""
    options = _OPTION.findall(text)
    first = _OPTION.search(text)
    stem = text
    if first and len(options) > 1 and options[0][0] == "A":
        stem = text[: first.start()]
    else:
        options = []
    found = {name: _log(value) if name != "non_ascii" else value for name, value in surface_features(text).items()}
    found |= {name: _log(len(pattern.findall(text))) for name, pattern in _COUNTED.items()}
    kinds = dict.fromkeys(_KINDS, 0)
    for word in _WORD.findall(text.lower()):
        for kind in _KIND_OF.get(word, ()):
            kinds[kind] += 1
    found |= {f"{kind}_words": _log(count) for kind, count in kinds.items()}
    found |= {name: _log(sum(map(text.count, marks))) for name, marks in _MARKS.items()}
    return found | _lengths(text, stem) | _numbers(stem) | _options([option for _, option in options]) | _code(text)


def _lengths(text: str, stem: str) -> dict[str, float]:
    words = stem.split()
    ends = len(_SENTENCE_END.findall(stem))
    return {
        "characters": _log(len(text)),
        "stem": _log(len(stem)),
        "sentences": _log(ends),
        "sentence_words": _log(len(words) / max(1, ends)),
        "lines": _log(text.count("\n")),
        "different": len(set(words)) / max(1, len(words)),
        "common": sum(word.lower() in _COMMON for word in words) / max(1, len(words)),
        "long_words": sum(len(word) > 8 for word in words) / max(1, len(words)),
        "asks": float(stem.rstrip().endswith("?")),
        "open_end": float(not stem.rstrip().endswith((".", "?", "!", ":"))),
        "blanks": _log(len(_BLANK.findall(stem))),
        "formulas": _log(len(_FORMULA.findall(text))),
        "symbols": sum(not (c.isalnum() or c.isspace()) for c in text) / max(1, len(text)),
    }


def _numbers(stem: str) -> dict[str, float]:
    found = _NUMBER.findall(stem)
    values = [float(number.replace(",", "")[:15]) for number in found if number.replace(",", "").count(".") <= 1]
    return {
        "numbers": _log(len(found)),
        "different_numbers": _log(len(set(found))),
        "largest": _log(max(values, default=0.0)),
        "decimals": _log(sum("." in number for number in found)),
        "round": sum(value % 10 == 0 for value in values) / max(1, len(values)),
    }


def _options(options: list[str]) -> dict[str, float]:
    lengths = [len(option) for option in options]
    mean = sum(lengths) / max(1, len(lengths))
    return {
        "options": _log(len(options)),
        "option_length": _log(mean),
        "option_spread": _log(max(lengths, default=0) - min(lengths, default=0)),
        "option_numbers": sum(any(c.isdigit() for c in option) for option in options) / max(1, len(options)),
        "option_all": _log(sum(" of the above" in o.lower() or " of these" in o.lower() for o in options)),
        "option_pairs": _log(sum("," in option or ";" in option for option in options)),
    }


def _code(text: str) -> dict[str, float]:
    lines = len(_CODE.findall(text))
    depth = max((len(spaces) for spaces in _INDENT.findall(text)), default=0) if lines else 0
    strings = [one or two for one, two in _STRING.findall(text)] if lines else []
    last = text.rstrip().rsplit("\n", 1)[-1]
    return {
        "code_lines": _log(lines),
        "depth": _log(depth),
        "strings": _log(len(strings)),
        "longest_string": _log(max(map(len, strings), default=0)),
        "odd_string": _log(sum(not c.isalpha() for string in strings for c in string)),
        "last_line": _log(len(last)),
        "last_items": _log(last.count(",")),
    }


def _log(count: float) -> float:
    return math.log1p(count)
