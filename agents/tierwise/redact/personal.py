"""What tells who somebody is, or where: addresses, numbers of people and of their accounts, places.

Names of people are not found: nothing in a text marks them. Each pattern stays within a line and is bounded.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from tierwise_tools.secrets.patterns import Check, Rule, Span, fold

_S = r"[^\S\n]"
_IS = rf"(?:{_S}*(?:no\.?|nr\.?|number|num|id|code|is|ist|#){_S}*){{0,2}}{_S}*[:=#]?{_S}*[\"']?{_S}*"
_MONTH = r"(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]{0,7}\.?"
_DATE = (
    rf"(?:\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}|\d{{1,2}}(?:st|nd|rd|th|\.)?{_S}(?:of{_S})?{_MONTH},?{_S}\d{{4}}"
    rf"|{_MONTH}{_S}\d{{1,2}}(?:st|nd|rd|th)?,?{_S}\d{{4}})"
)


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdecimal())


def _is_card(found: re.Match[str]) -> bool:
    digits = _digits(found[0])
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    doubled = (sum(divmod(2 * int(d), 10)) if n % 2 else int(d) for n, d in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def _is_iban(found: re.Match[str]) -> bool:
    """ISO 13616: the remainder by 97 is 1; what may follow an IBAN in a line is not part of it."""
    text = re.sub(r"\s", "", found[1])
    return 15 <= len(text) <= 34 and int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def _is_phone(found: re.Match[str]) -> bool:
    return 7 <= len(_digits(found[1])) <= 15


def _is_outside(found: re.Match[str]) -> bool:
    """Whether an address is one of the Internet (or of an example) and not of this machine or its network."""
    try:
        address = ipaddress.ip_address(found[1])
    except ValueError:
        return False
    inside = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
    return not (
        address.is_loopback
        or address.is_unspecified
        or address.is_link_local
        or address.is_multicast
        or any(address in ipaddress.ip_network(net) for net in inside)
    )


def _is_address(found: re.Match[str]) -> bool:
    try:
        ipaddress.ip_address(found[1])
    except ValueError:
        return False
    return True


def _is_place(found: re.Match[str]) -> bool:
    return abs(float(found[1].replace("\u2212", "-").lstrip("+").partition(".")[0].strip("-") or 0)) <= 90


def _has_digit(found: re.Match[str]) -> bool:
    return any(c.isdigit() for c in found[1])


def _rule(
    anchors: str, pattern: str, check: Check | None = None, *, begins: bool = False, any_case: bool = False
) -> Rule:
    """A rule; one that begins with a word is looked for by its anchors, any other where one of them is in the text."""
    words = tuple(anchor.replace("_", " ") for anchor in anchors.split())
    return Rule(words, re.compile(pattern, re.IGNORECASE if any_case else 0), check, folded=True, begins=begins)


def _word(anchors: str, pattern: str, check: Check | None = None) -> Rule:
    return _rule(anchors, rf"(?<![^\W_]){pattern}", check, begins=True, any_case=True)


# The character before a number is looked at after its first digit: then the search can run from digit to digit.
_V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_V6 = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"
_PAPERS = (
    "passport reisepass passeport driver driving führerschein national_id personal_id citizen_id identity_card id_card"
    " id_number personalausweis ausweis tax_id taxpayer_id tin steuer ssn social_security social_insurance nhs"
    " insurance health_insurance versicherungsnummer patient medical_record mrn aadhaar cpf dni nie curp account_n"
    " bank_account"
    " kontonummer routing_n sort_code imei vin license_plate licence_plate number_plate kennzeichen bic swift"
)
_PAPER = (
    rf"(?:passport|reisepass|passeport|driver'?s?{_S}licen[cs]e|driving{_S}licen[cs]e|führerschein"
    rf"|(?:national|personal|citizen|identity|id){_S}(?:id|card|number)|(?:personal)?ausweis|tax(?:payer)?{_S}id"
    rf"|tin|steuer-?id|ssn|social{_S}(?:security|insurance)|nhs|(?:health{_S})?insurance{_S}(?:id|no\.?|number|policy)"
    rf"|versicherungsnummer|patient{_S}(?:id|no\.?|number)|medical{_S}record|mrn|aadhaar|cpf|dni|nie|curp"
    rf"|(?:bank{_S})?account{_S}(?:no\.?|number)|kontonummer|routing{_S}(?:no\.?|number)|sort{_S}code|imei|vin"
    rf"|licen[cs]e{_S}plate|number{_S}plate|kennzeichen|bic|swift)"
)
_STREETS = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Way|Place|Pl|Terrace|Close"
    r"|Crescent|Highway|Hwy|Parkway)"
)
_RULES = (
    _rule("", r"([3-6](?<![\w.,/-].)\d{3}(?:[ -]?\d){9,15})(?![\w]|[-.,]\d)", _is_card),
    _rule(
        "",
        r"([A-Z](?<![A-Za-z0-9].)[A-Z]\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?)(?![A-Za-z0-9])",
        _is_iban,
    ),
    _rule("+", r"(?<![\w.+])(\+[1-9]\d{0,2}(?:[ .\-/()]{0,2}\d{1,12}){1,8})(?![\w])", _is_phone, begins=True),
    _rule("00", r"(?<![\w.,-])(00[1-9]\d(?:[ /-]{1,2}\d{2,5}){2,5})(?![\w])", _is_phone, begins=True),
    _rule("", r"([0-9(](?<![\w.-].)(?:(?<=\()\d{3}\) ?|\d{2}[-.])\d{3}[-. ]\d{4})(?![\w-])"),
    _word(
        "phone telephone tel mobil cell fax call whatsapp handy sms",
        rf"(?:(?:tele|cell)?phone|telefon|tel|mobile?(?:{_S}phone)?|cell|fax|call|whatsapp|handy|sms){_IS}"
        r"(?:me |us |at |on |under |unter )*((?:\+|\()?\d[\d ().\-/]{5,18}\d)(?!\w)",
        _is_phone,
    ),
    _rule("-", r"([0-8](?<![\w-].)(?<!000)\d{2}(?<!000)(?<!666)-(?!00)\d{2}-(?!0000)\d{4})(?![\w-])"),
    _rule("", r"([A-CEGHJ-PR-TW-Z](?<![A-Za-z0-9].)[A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D])(?![A-Za-z0-9])"),
    _rule("", r"([A-Z](?<![A-Za-z0-9].)[A-Z]{5}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])(?![A-Za-z0-9])"),
    _rule("-", r"(\d(?<![\d.].)\d{2}\.\d{3}\.\d{3}-\d{2})(?![\d-])"),
    _word(
        _PAPERS,
        rf"{_PAPER}{_IS}([A-Za-z0-9](?:[A-Za-z0-9]|[-./ ](?=[A-Za-z]{{0,3}}\d)){{3,24}}[A-Za-z0-9])(?![A-Za-z0-9])",
        _has_digit,
    ),
    _word(
        "date_of_birth birth born dob geb née né",
        rf"(?:date{_S}of{_S}birth|birth{_S}?da(?:te|y)|born(?:{_S}on)?|dob|geburts(?:datum|tag)|geb(?:oren|\.)"
        rf"(?:{_S}am)?|née?{_S}le)(?:{_S}is)?[^\w\n]{{0,4}}({_DATE})",
    ),
    _rule(".", rf"(?<!version )(?<!v)((?=\d)(?<![\w.-])(?=\d{{1,3}}\.){_V4})(?![\w]|\.\d|-\d)", _is_outside),
    _rule(
        ":",
        r"([0-9A-Fa-f:](?<![\w:.].)(?:(?<=:)|[0-9A-Fa-f]{0,3}(?=:))(?::[0-9A-Fa-f]{0,4}|[0-9A-Fa-f]{1,4}){2,8})"
        r"(?![\w:.])",
        _is_outside,
    ),
    _word(
        "user client visitor customer subscriber remote caller home my his her their source login",
        r"(?:user|client|visitor|customer|subscriber|remote|caller|home|my|his|her|their|source|login)(?:'s)?"
        rf"[ _-](?:ip|addr(?:ess)?|ip[ _-]?addr(?:ess)?|host){_IS}({_V4}|{_V6})(?![\w.:])",
        _is_address,
    ),
    _rule(":", r"([0-9A-Fa-f](?<![\w:-].)[0-9A-Fa-f](?::[0-9A-Fa-f]{2}){5})(?![\w:-])"),
    _rule("-", r"([0-9A-Fa-f](?<![\w:-].)[0-9A-Fa-f](?:-[0-9A-Fa-f]{2}){5})(?![\w:-])"),
    _rule(
        ".",
        r"([-+\u22120-9](?<![\w.].)\d{0,2}\.\d{4,15}°?[ ]?[NS]?[ ]?[,;/ ][ ]?[-+\u2212]?"
        r"(?:1[0-7]\d|180|[1-9]?\d)\.\d{4,15}°?(?:[ ]?[EW]\b)?)(?![\w.])",
        _is_place,
    ),
    _rule("°", rf"(\d{{1,3}}°{_S}?\d{{1,2}}['\u2032]{_S}?(?:\d{{1,2}}(?:\.\d+)?(?:\"|″|'')?{_S}?)?[NSEWO])(?!\w)"),
    _word(
        "lat lon lng",
        r"(?:lat(?:itude)?|lon(?:g(?:itude)?)?|lng)\\*[\"']?[^\S\n]*[:=][^\S\n]*\\*[\"']?([-+]?\d{1,3}\.\d{3,15})",
    ),
    _rule(
        "",
        rf"([0-9](?<![\w.,-].)\d{{0,4}}[A-Za-z]?,? (?:[NSEW]\.? )?(?:[A-Z][\w'\u2019-]{{1,24}} ){{1,4}}{_STREETS}\b)",
    ),
    _rule(
        "straße strasse str. weg platz allee gasse",
        r"([A-ZÄÖÜ](?<!\w.)[a-zäöüß-]{2,30}(?:straße|strasse|str\.|weg|platz|allee|gasse) \d{1,4}[a-z]?)\b",
    ),
    _rule(
        "rue avenue boulevard place allée",
        r"(\d(?<![\w.,-].)\d{0,3},? (?:rue|avenue|boulevard|place|allée) (?:(?:de|du|des|la|le|les|d') ?){0,3}"
        r"[A-ZÉÈ][\w'\u2019-]{1,30})",
    ),
    _rule(
        "my_name_is my_full_name_is i_am_called ich_heiße mein_name_ist je_m'appelle me_llamo",
        r"(?<!\w)(?i:my name is|my full name is|i am called|ich heiße|mein name ist|je m'appelle|me llamo)"
        rf"{_S}+([A-ZÀ-Þ][\w'\u2019-]{{1,30}}(?:{_S}[A-ZÀ-Þ][\w'\u2019-]{{1,30}}){{0,3}})",
        begins=True,
    ),
)  # fmt: skip
_LOCAL = re.compile(r"[\w.+'-]+\Z")
_DOMAIN = re.compile(r"@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@])")


def personal_spans(text: str) -> Iterator[Span]:
    """Where personal data stands in a text."""
    folded = fold(text)
    yield from _mails(text)
    for rule in _RULES:
        yield from rule.spans(text, folded)


def _mails(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        domain = _DOMAIN.match(text, at)
        if domain is not None and (local := _LOCAL.search(text, max(0, at - 64), at)) is not None:
            yield local.start(), domain.end()
        at = text.find("@", at + 1)
