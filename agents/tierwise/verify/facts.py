"""The hard facts of a sentence, made comparable: numbers with units, dates, times, identifiers, names, negation.

A claim whose facts do not all stand in a span is not supported by it, however alike the two sound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tierwise.verify.negation import Scopes, differs, scopes_of
from tierwise.words import STOPWORDS, stem, words

_SMALL_WORDS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: n for n, word in enumerate(_SMALL_WORDS.split())}
_TENS = {word: 10 * n for n, word in enumerate(_TENS_WORDS.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINAL_WORDS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_ORDINALS = frozenset(_ORDINAL_WORDS.split())

_MONTH_WORDS = "january february march april may june july august september october november december"
_MONTHS = tuple(_MONTH_WORDS.split())
_MONTH_OF = {name: n for n, name in enumerate(_MONTHS, 1)} | {name[:3]: n for n, name in enumerate(_MONTHS, 1)}
_MONTH_OF["sept"] = 9
_DAY_WORDS = "monday tuesday wednesday thursday friday saturday sunday"
_WEEKDAYS = frozenset(day + plural for day in _DAY_WORDS.split() for plural in ("", "s"))

_UNITS = {
    "second": "second seconds sec secs s",
    "minute": "minute minutes min mins",
    "hour": "hour hours hr hrs h",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years yr yrs",
    "millimetre": "millimetre millimetres millimeter millimeters mm",
    "centimetre": "centimetre centimetres centimeter centimeters cm",
    "metre": "metre metres meter meters m",
    "kilometre": "kilometre kilometres kilometer kilometers km",
    "inch": "inch inches",
    "foot": "foot feet ft",
    "mile": "mile miles mi",
    "milligram": "milligram milligrams mg",
    "gram": "gram grams g",
    "kilogram": "kilogram kilograms kg kilo kilos",
    "pound": "lb lbs",
    "tonne": "tonne tonnes ton tons",
    "millilitre": "millilitre millilitres milliliter milliliters ml",
    "litre": "litre litres liter liters l",
    "degree": "degree degrees \u00b0 \u00b0c \u00b0f celsius fahrenheit",
    "watt": "watt watts w",
    "kilowatt": "kilowatt kilowatts kw",
    "volt": "volt volts v",
    "bar": "bar bars",
    "percent": "percent % percentage",
    "dollar": "dollar dollars $ usd",
    "euro": "euro euros \u20ac eur",
    "sterling": "\u00a3 gbp quid pounds",
    "kilobyte": "kb kilobyte kilobytes",
    "megabyte": "mb megabyte megabytes",
    "gigabyte": "gb gigabyte gigabytes",
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names.split()}

_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_TIME = re.compile(r"\b(\d{1,2})(?:[:.](\d{2}))?\s*([ap])\.?\s?m\b\.?|\b(\d{1,2}):(\d{2})(?::\d{2})?\b", re.IGNORECASE)
_CONTACT = re.compile(r"https?://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+|[\w.+-]+@[\w-]+\.[\w.-]*\w")
_IDENTIFIER = re.compile(r"\b(?=[\w-]*[A-Za-z])(?=[\w-]*\d)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b")
_GLUED_UNIT = re.compile(r"(\d+(?:[.,]\d+)*)(?:-?([A-Za-z\u00b0%]{1,12}))")
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_NUMBER = re.compile(r"([$\u20ac\u00a3]\s?)?\d+(?:[.,\u00a0'\u202f ]\d{3}(?!\d))*(?:[.,]\d+)?")
_AFTER_NUMBER = re.compile(r"[\s-]*([^\W\d_]+|%|\u00b0\s?[CFcf]?|[$\u20ac\u00a3])")
_ANY_NUMBER_WORD = rf"(?:{'|'.join((*_SMALL, *_TENS, *_SCALES))})"
_NUMBER_WORDS = re.compile(
    rf"\b{_ANY_NUMBER_WORD}(?:(?:\s+and)?[\s-]+{_ANY_NUMBER_WORD})*\b",
    re.IGNORECASE,
)
_CAPITALISED = re.compile(r"(?<![\w'\u2019])[^\W\d_a-z][^\W\d_]*(?:['\u2019-][^\W\d_]+)*")

_OPPOSITES = (
    ("minimum min least above over exceed", "maximum max most below under within"),
    ("before earlier prior", "after later following"),
    ("increase raise rise grow higher more gain", "decrease reduce lower fall drop less fewer shrink loss"),
    ("open opened opening opens", "closed closing closes close shut"),
    ("left", "right"),
    ("allowed permitted", "prohibited forbidden banned"),
    ("buyer buy bought purchase", "seller sell sold sale"),
    ("tenant renter", "landlord owner lessor"),
    ("hot warm", "cold cool"),
    ("first", "last"),
    ("won win winner", "lost lose loser"),
    ("accepted approved agreed", "rejected refused declined denied"),
    ("included includes include", "excluded excludes exclude"),
    ("north northern", "south southern"),
    ("east eastern", "west western"),
    ("mandatory required obligatory", "optional voluntary"),
    ("morning", "afternoon evening night"),
    ("weekday weekdays", "weekend weekends"),
    ("daily", "weekly monthly yearly annually"),
    ("weekly", "daily monthly yearly annually"),
    ("monthly", "daily weekly yearly annually"),
)
_COLOUR_WORDS = "red blue green yellow black white grey gray brown orange purple pink violet golden silver"
_COLOURS = frozenset(_COLOUR_WORDS.split())
_OPPOSITE_SETS = tuple((frozenset(a.split()), frozenset(b.split())) for a, b in _OPPOSITES)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that must not be altered.

    Attributes:
        numbers: ``(number, unit)``; the unit is empty where none is named.
        marks: months, weekdays, clock times, identifiers, addresses, all normalised.
        names: words with a capital inside a sentence, in lower case.
        opener: the capitalised first word of the sentence, which may or may not be a name.
        negations: what each negation sits on (:func:`tierwise.verify.negation.scopes_of`).
        words: all words in lower case.
        stems: stems of the content words.
    """

    numbers: frozenset[tuple[str, str]]
    marks: frozenset[str]
    names: frozenset[str]
    opener: str
    negations: Scopes
    words: frozenset[str]
    stems: frozenset[str]


def facts_of(text: str) -> Facts:
    """Read the facts of one or two sentences."""
    marks: set[str] = set()
    numbers: set[tuple[str, str]] = set()
    rest = _CONTACT.sub(lambda m: _take(marks, m[0].rstrip(".,;").lower()), text)
    rest = _ISO_DATE.sub(lambda m: _iso_date(m, marks, numbers), rest)
    rest = _TIME.sub(lambda m: _take(marks, _clock(m)), rest)
    rest = _ORDINAL.sub(r"\1", rest)
    rest = _GLUED_UNIT.sub(lambda m: f"{m[1]} {m[2]}" if m[2].lower() in _UNIT_OF else m[0], rest)
    rest = _IDENTIFIER.sub(lambda m: _take(marks, re.sub(r"[-_]", "", m[0]).lower()), rest)
    for match in _NUMBER.finditer(rest):
        currency = (match[1] or "").strip()
        unit = _UNIT_OF.get(currency) or _unit_after(rest, match.end())
        scale = _scale_after(rest, match.end())
        numbers.add((_plain(match[0].lstrip("$\u20ac\u00a3 "), scale), unit))
    for match in _NUMBER_WORDS.finditer(rest):
        value = _value(match[0].lower())
        if value is not None:
            numbers.add((f"{value:.12g}", _unit_after(rest, match.end())))
    lowered = words(text)
    marks.update(_dates(rest))
    names, opener = _names(rest)
    stems = frozenset(stem(word) for word in lowered if word not in STOPWORDS)
    return Facts(frozenset(numbers), frozenset(marks), names, opener, scopes_of(text), frozenset(lowered), stems)


NO_FACTS = Facts(frozenset(), frozenset(), frozenset(), "", (), frozenset(), frozenset())


def contradiction(claim: Facts, span: Facts, *, context: Facts = NO_FACTS, asked: Facts = NO_FACTS) -> str | None:
    """Why the span cannot support the claim, in a word: ``number``, ``date``, ``name``, ``negation``, ``opposite``.

    Args:
        claim: facts of the sentence to support.
        span: facts of the piece of source.
        context: what holds for the whole passage: its title and headings. Their facts count as standing in the span.
        asked: facts of the question. A claim may repeat them where the span is silent, that is, has no fact of the kind
            that the claim lacks.

    Returns:
        ``None`` if every hard fact of the claim stands in the span.
    """
    numbers = {n for n in claim.numbers if not _has_number(n, span.numbers | context.numbers)}
    if numbers and not (numbers <= asked.numbers and all(_has_number(n, claim.numbers) for n in span.numbers)):
        return "number"
    marks = claim.marks - span.marks - context.marks
    if marks and not (marks <= asked.marks and span.marks <= claim.marks):
        return "date"
    names = {name for name in claim.names if not _has_name(name, span.words | context.words)}
    if names and not (all(_has_name(n, asked.words) for n in names) and _all_named(span, claim, context)):
        return "name"
    if differs(claim.negations, claim.stems, span.negations):
        return "negation"
    if span.words & _COLOURS and (claim.words & _COLOURS) - span.words:
        return "opposite"
    for one, other in _OPPOSITE_SETS:
        for mine, theirs in ((one, other), (other, one)):
            if claim.words & mine and not claim.words & theirs and span.words & theirs and not span.words & mine:
                return "opposite"
    return None


def _all_named(span: Facts, claim: Facts, context: Facts) -> bool:
    return all(_has_name(name, claim.words | context.words) for name in span.names)


def _take(into: set[str], value: str) -> str:
    into.add(value)
    return " "


def _iso_date(match: re.Match[str], marks: set[str], numbers: set[tuple[str, str]]) -> str:
    month = int(match[2])
    if not 1 <= month <= 12:
        return match[0]
    marks.add(_MONTHS[month - 1])
    numbers.update({(match[1], ""), (str(int(match[3])), "")})
    return " "


def _clock(match: re.Match[str]) -> str:
    hour, minute = int(match[1] or match[4]), match[2] or match[5] or "00"
    if match[3]:
        hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
    return f"{hour:02d}:{minute}"


def _plain(number: str, scale: int) -> str:
    """A number without grouping: ``1,200`` and ``1 200`` are 1200; ``2.50`` and ``2,5`` are 2.5."""
    number = re.sub(r"[\u00a0'\u202f ]", "", number)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", number) and ("," in number or number.count(".") > 1):
        number = number.replace(".", "").replace(",", ".")
    number = number.replace(",", ".")
    try:
        return f"{float(number) * scale:.12g}"
    except ValueError:
        return number


def _unit_after(text: str, at: int) -> str:
    match = _AFTER_NUMBER.match(text, at)
    if match is None:
        return ""
    word = re.sub(r"\s", "", match[1]).lower()
    if word in _SCALES:
        return _unit_after(text, match.end())
    return _UNIT_OF.get(word, "")


def _scale_after(text: str, at: int) -> int:
    match = _AFTER_NUMBER.match(text, at)
    return _SCALES.get(match[1].lower(), 1) if match else 1


def _value(phrase: str) -> int | None:
    """The number in words, or ``None`` for a lone "one", which is seldom a number, and for a lone scale."""
    parts = [part for part in re.split(r"[\s-]+", phrase) if part != "and"]
    if parts == ["one"] or all(part in _SCALES for part in parts):
        return None
    total = current = 0
    for part in parts:
        if part in _SCALES:
            current = max(current, 1) * _SCALES[part]
            if part != "hundred":
                total, current = total + current, 0
        else:
            current += _SMALL.get(part, _TENS.get(part, 0))
    return total + current


def _dates(text: str) -> set[str]:
    found = set()
    for match in re.finditer(r"\b[A-Z][a-z]+\b\.?", text):
        word = match[0].rstrip(".").lower()
        if word in _WEEKDAYS:
            found.add(word.rstrip("s"))
        elif word in _MONTH_OF and (word not in ("may", "march", "mar", "sept") or _beside_digit(text, match)):
            found.add(_MONTHS[_MONTH_OF[word] - 1])
    return found


def _beside_digit(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
    return (
        before[-1:].isdigit()
        or after[:1].isdigit()
        or before.lower().endswith((" in", " of", " by", " until", " since"))
    )


def _names(text: str) -> tuple[frozenset[str], str]:
    """Names inside the sentence, and its capitalised first word; a heading in capitals has none."""
    first = re.search(r"[^\W\d_]+", text)
    capitals = list(_CAPITALISED.finditer(text))
    total = [word for word in re.findall(r"[^\W\d_]+", text) if word.lower() not in STOPWORDS]
    heading = len(total) > 3 and sum(word[0].isupper() for word in total) > 0.8 * len(total)
    if heading:
        return frozenset(), ""
    names: set[str] = set()
    opener = ""
    for match in capitals:
        word = re.sub(r"['\u2019]s$", "", match[0]).lower()
        if word in STOPWORDS or len(word) < 2 or word in _MONTH_OF or word in _WEEKDAYS or word in _ORDINALS:
            continue
        if word in _SMALL or word in _TENS or word in _UNIT_OF:
            continue
        starts = re.search(r"(?:^\W*|[.!?:]\s+)$", text[: match.start()]) is not None
        if starts and first is not None and match.start() == first.start():
            followed = re.match(r"\s+[A-Z][a-z]", text[match.end() :])
            if followed:
                names.add(word)
            else:
                opener = word
        elif not starts:
            names.add(word)
    return frozenset(names), opener


def _has_number(wanted: tuple[str, str], present: frozenset[tuple[str, str]]) -> bool:
    number, unit = wanted
    return any(number == other and (not unit or not their or unit == their) for other, their in present)


def _has_name(name: str, present: frozenset[str]) -> bool:
    return all(
        piece in present or any(word.removesuffix("'s") == piece or stem(word) == stem(piece) for word in present)
        for piece in re.split(r"[-\u2019']", name)
        if piece
    )
