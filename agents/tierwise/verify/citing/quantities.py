"""Numbers, units, dates and clock times as a text writes them, made comparable."""

from __future__ import annotations

import re

_SMALL_WORDS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: n for n, word in enumerate(_SMALL_WORDS.split())}
_TENS = {word: 10 * n for n, word in enumerate(_TENS_WORDS.split(), 2)}
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINAL_WORDS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"

_MONTH_WORDS = "january february march april may june july august september october november december"
MONTHS = tuple(_MONTH_WORDS.split())
MONTH_OF = {name: n for n, name in enumerate(MONTHS, 1)} | {name[:3]: n for n, name in enumerate(MONTHS, 1)}
MONTH_OF["sept"] = 9
_DAY_WORDS = "monday tuesday wednesday thursday friday saturday sunday"
WEEKDAYS = frozenset(day + plural for day in _DAY_WORDS.split() for plural in ("", "s"))

_UNITS = {
    "nanosecond": "nanosecond nanoseconds ns",
    "microsecond": "microsecond microseconds \u00b5s",
    "millisecond": "millisecond milliseconds ms",
    "second": "second seconds sec secs s",
    "minute": "minute minutes min mins",
    "hour": "hour hours hr hrs h",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years yr yrs",
    "decade": "decade decades",
    "century": "century centuries",
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
    "ampere": "ampere amperes amp amps",
    "bar": "bar bars",
    "hertz": "hertz hz",
    "kilohertz": "kilohertz khz",
    "megahertz": "megahertz mhz",
    "gigahertz": "gigahertz ghz",
    "decibel": "decibel decibels db",
    "percent": "percent % percentage",
    "dollar": "dollar dollars $ usd",
    "cent": "cent cents",
    "euro": "euro euros \u20ac eur",
    "franc": "franc francs chf",
    "sterling": "\u00a3 gbp quid pounds",
    "bit": "bit bits",
    "byte": "byte bytes",
    "kilobyte": "kb kilobyte kilobytes",
    "megabyte": "mb megabyte megabytes",
    "gigabyte": "gb gigabyte gigabytes",
    "terabyte": "tb terabyte terabytes",
    "kibibyte": "kib kibibyte kibibytes",
    "mebibyte": "mib mebibyte mebibytes",
    "gibibyte": "gib gibibyte gibibytes",
    "tebibyte": "tib tebibyte tebibytes",
}
UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names.split()}
# Words that are written with a capital without naming anybody.
COUNTING = frozenset((*_SMALL, *_TENS, *_ORDINAL_WORDS.split(), *MONTH_OF, *WEEKDAYS, *UNIT_OF))

ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
CLOCK = re.compile(r"\b(\d{1,2})(?:[:.](\d{2}))?\s*([ap])\.?\s?m\b\.?|\b(\d{1,2}):(\d{2})(?::\d{2})?\b", re.IGNORECASE)
GLUED_UNIT = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)*)-?([A-Za-z\u00b0\u00b5%]{1,12})\b")
ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
NUMBER = re.compile(
    r"([$\u20ac\u00a3]\s?)?(?:(?<![\w.)\]])[-\u2212])?\d+(?:[.,\u00a0'\u202f ]\d{3}(?!\d))*(?:[.,]\d+)?"
)
_AFTER_NUMBER = re.compile(r"[\s-]*([^\W\d_]+|%|\u00b0\s?[CFcf]?|[$\u20ac\u00a3])")
_ANY_NUMBER_WORD = rf"(?:{'|'.join((*_SMALL, *_TENS, *SCALES))})"
NUMBER_WORDS = re.compile(
    rf"\b{_ANY_NUMBER_WORD}(?:(?:\s+and)?[\s-]+{_ANY_NUMBER_WORD})*\b",
    re.IGNORECASE,
)


def clock(match: re.Match[str]) -> str:
    """A match of :data:`CLOCK` as ``19:05``."""
    hour, minute = int(match[1] or match[4]), match[2] or match[5] or "00"
    if match[3]:
        hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
    return f"{hour:02d}:{minute}"


def plain(number: str, scale: int = 1) -> str:
    """A number without grouping: ``1,200`` and ``1 200`` are 1200; ``2.50`` and ``2,5`` are 2.5."""
    number = re.sub(r"[\u00a0'\u202f ]", "", number).replace("\u2212", "-")
    if re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", number):
        number = number.replace(",", "")
    elif re.fullmatch(r"-?\d{1,3}(?:\.\d{3})+(?:,\d+)?", number) and ("," in number or number.count(".") > 1):
        number = number.replace(".", "").replace(",", ".")
    number = number.replace(",", ".")
    try:
        return f"{float(number) * scale:.12g}"
    except ValueError:
        return number


def unit_after(text: str, at: int) -> str:
    """The unit that follows a number which ends at ``at``; empty if none does."""
    match = _AFTER_NUMBER.match(text, at)
    if match is None:
        return ""
    word = re.sub(r"\s", "", match[1]).lower()
    if word in SCALES:
        return unit_after(text, match.end())
    return UNIT_OF.get(word, "")


def scale_after(text: str, at: int) -> int:
    """1000 if "thousand" follows a number which ends at ``at``, and so on; 1 if nothing of the kind does."""
    match = _AFTER_NUMBER.match(text, at)
    return SCALES.get(match[1].lower(), 1) if match else 1


def value_of(phrase: str) -> int | None:
    """The number in words, or ``None`` for a lone "one", which is seldom a number, and for a lone scale."""
    parts = [part for part in re.split(r"[\s-]+", phrase) if part != "and"]
    if parts == ["one"] or all(part in SCALES for part in parts):
        return None
    total = current = 0
    for part in parts:
        if part in SCALES:
            current = max(current, 1) * SCALES[part]
            if part != "hundred":
                total, current = total + current, 0
        else:
            current += _SMALL.get(part, _TENS.get(part, 0))
    return total + current


def date_word(text: str, match: re.Match[str]) -> str | None:
    """The month or weekday that a capitalised word of a text names."""
    word = match[0].rstrip(".").lower()
    if word in WEEKDAYS:
        return word.rstrip("s")
    if word in MONTH_OF and (word not in ("may", "march", "mar", "sept") or _beside_digit(text, match)):
        return MONTHS[MONTH_OF[word] - 1]
    return None


def _beside_digit(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
    # Numbers may have been replaced by private characters already (tierwise.verify.citing.facts).
    return (
        before[-1:].isdigit()
        or after[:1].isdigit()
        or "\ue000" <= before[-1:] <= "\uf8ff"
        or "\ue000" <= after[:1] <= "\uf8ff"
        or before.lower().endswith((" in", " of", " by", " until", " since"))
    )
