"""What keys and tokens of well-known services look like, and secrets in addresses, headers and markup.

Each pattern stays within a line and is bounded, so that no text makes it slow and a text can be looked at line by line.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]
Check = Callable[[re.Match[str]], bool]


def fold(text: str) -> str:
    """The text in lower case, with every character where it was."""
    folded = text.lower()
    return folded if len(folded) == len(text) else text.replace("\u0130", "I").lower()


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and where it is worth trying: looking for plain words is a hundred times faster than for patterns.

    Attributes:
        anchors: the pattern fits nowhere in a text that holds none of these.
        pattern: its group 1, or else all of it, is taken out.
        check: whether a match really is what it looks like.
        folded: the anchors are lower case, and the text may be of any case.
        begins: the pattern begins with one of the anchors.
    """

    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    check: Check | None = None
    folded: bool = False
    begins: bool = True

    def spans(self, text: str, folded: str) -> Iterator[Span]:
        """Where it fits.

        Args:
            text: what is searched.
            folded: the same as :func:`fold` makes it.
        """
        group = 1 if self.pattern.groups else 0
        for found in self._matches(text, folded if self.folded else text):
            if self.check is None or self.check(found):
                yield found.span(group)

    def _matches(self, text: str, held: str) -> Iterator[re.Match[str]]:
        if not self.begins:
            if not self.anchors or any(anchor in held for anchor in self.anchors):
                yield from self.pattern.finditer(text)
            return
        for anchor in self.anchors:
            at = held.find(anchor)
            while at >= 0:
                found = self.pattern.match(text, at)
                if found is not None:
                    yield found
                at = held.find(anchor, at + 1 if found is None else max(found.end(), at + 1))


def looks_random(word: str) -> bool:
    """Whether a word looks like a key and not like a word of a language or a number."""
    digits = sum(c.isdigit() for c in word)
    letters = sum(c.isalpha() for c in word)
    if digits and letters:
        return True
    mixed = word != word.lower() and word != word.upper() and not word.istitle()
    return len(word) >= 24 and mixed


def _is_basic(found: re.Match[str]) -> bool:
    """Whether the word after ``Basic`` is a name and a password."""
    try:
        return b":" in base64.b64decode(found[1] + "=" * (-len(found[1]) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _random(found: re.Match[str]) -> bool:
    return looks_random(found[1] if found.re.groups else found[0])


def _rule(
    anchors: str,
    pattern: str,
    check: Check | None = None,
    *,
    before: str = r"(?<![A-Za-z0-9])",
    begins: bool = True,
) -> Rule:
    return Rule(tuple(anchors.split()), re.compile(before + pattern), check, begins=begins)


def _any_case(anchors: str, pattern: str, check: Check | None = None, *, begins: bool = True) -> Rule:
    return Rule(tuple(anchors.split()), re.compile(pattern, re.IGNORECASE), check, folded=True, begins=begins)


_WORD = "[A-Za-z0-9_-]"
TOKENS = (
    _rule("sk- pk- rk-", rf"(?:sk|pk|rk)-(?:(?={_WORD}{{0,80}}\d){_WORD}{{16,}}|[A-Za-z0-9]{{16,}})"),
    _rule("sk_ pk_ rk_", r"(?:sk|pk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}"),
    _rule("whsec_", r"whsec_[A-Za-z0-9+/=]{20,}"),
    _rule("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9_]{20,}"),
    _rule("github_pat_", r"github_pat_[A-Za-z0-9_]{20,}"),
    _rule(
        "glpat- glrt- gldt- glptt- glft- glimt- gloas- glcbt- glagent- glsoat- glffct- glsa_",
        rf"gl(?:pat|rt|dt|ptt|ft|imt|oas|cbt|agent|soat|ffct)-[A-Za-z0-9_.-]{{16,}}|glsa_{_WORD}{{30,}}",
    ),
    _rule("xox xapp-", r"(?:xox[a-z](?:\.xox[a-z])?|xapp-\d)-[A-Za-z0-9-]{10,}"),
    _rule("hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_+-]{20,})"),
    _rule("discord", rf"discord(?:app)?\.com/api/webhooks/(\d+/{_WORD}{{30,}})"),
    _rule(
        "AKIA ASIA ABIA ACCA AROA AIDA AGPA AIPA ANPA ANVA",
        r"A(?:KIA|SIA|BIA|CCA|ROA|IDA|GPA|IPA|NPA|NVA)[0-9A-Z]{16,}",
    ),
    _rule("AIza", rf"AIza{_WORD}{{30,}}"),
    _rule("ya29. GOCSPX- 1//0", rf"(?:ya29\.{_WORD}{{20,}}|GOCSPX-{_WORD}{{20,}}|1//0{_WORD}{{30,}})"),
    _rule("npm_ hf_ r8_ gsk_ lsv2_", r"(?:npm|hf|r8|gsk)_[A-Za-z0-9]{24,}|lsv2_(?:pt|sk)_[0-9a-f_]{30,}"),
    _rule("pypi-", rf"pypi-{_WORD}{{40,}}"),
    _rule(":AA", rf"[0-9](?<!\d.)\d{{7,9}}:A{_WORD}{{34}}", before="", begins=False),
    _rule("AC SK", r"(?:AC|SK)[0-9a-f]{32}(?![0-9A-Za-z])"),
    _rule("SG.", rf"SG\.{_WORD}{{16,}}\.{_WORD}{{16,}}"),
    _rule("key-", r"key-[0-9a-f]{32}(?![0-9A-Za-z])"),
    _rule("-us", r"[0-9a-f](?<![A-Za-z0-9].)[0-9a-f]{31}-us\d{1,2}(?!\w)", before="", begins=False),
    _rule(
        "dop_v1_ doo_v1_ dor_v1_ shpat_ shpca_ shppa_ shpss_ sq0",
        rf"(?:do[opr]_v1_[0-9a-f]{{40,}}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}|sq0[a-z]{{3}}-{_WORD}{{20,}})",
    ),
    _rule("dapi pul- sbp_ rubygems_", r"(?:dapi[0-9a-f]{32}|pul-[0-9a-f]{40}|sbp_[0-9a-f]{40}|rubygems_[0-9a-f]{40,})"),
    _rule("PMAK- NRAK-", r"(?:PMAK-[0-9a-f]{24}-[0-9a-f]{30,}|NRAK-[A-Z0-9]{25,})"),
    _rule("lin_ ntn_ secret_", r"(?:lin_(?:api|oauth)|ntn|secret)_[A-Za-z0-9]{30,}"),
    _rule("figd_ figo_ figu_ dckr_", rf"(?:fig[dou]|dckr_(?:pat|oat))_{_WORD}{{20,}}"),
    _rule("nvapi- pplx- xai- tskey-", rf"(?:nvapi|pplx|xai|tskey)-{_WORD}{{16,}}"),
    _rule("hvs. hvb. hvr.", rf"hv[sbr]\.{_WORD}{{20,}}"),
    _rule("sntry pscale_ sb_secret_", r"(?:sntry[su]|pscale_(?:tkn|pw|oauth)|sb_secret)_[A-Za-z0-9_+/=.-]{20,}"),
    _rule("ATATT3 ATCTT3", r"AT[AC]TT3[A-Za-z0-9_=-]{30,}"),
    _rule("dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{30,}"),
    _rule("AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    _rule("LTAI AKID", r"(?:LTAI[A-Za-z0-9]{16,}|AKID[A-Za-z0-9]{32,})"),
    _rule(
        "Q~", r"[A-Za-z0-9_~.-](?<![A-Za-z0-9].)[A-Za-z0-9_~.-]{2}\dQ~[A-Za-z0-9_~.-]{30,36}", before="", begins=False
    ),
    _rule("M N O", rf"[MNO]{_WORD}{{23,26}}\.{_WORD}{{6}}\.{_WORD}{{27,45}}(?!{_WORD})", before=r"(?<![A-Za-z0-9_.-])"),
    _rule("eyJ", rf"eyJ{_WORD}{{8,}}(?:\.{_WORD}*){{1,4}}", before=r"(?<![A-Za-z0-9_-])"),
    # PEM once more in base64, but for certificates, which are public
    _rule("LS0tLS1CRUdJTi", r"LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FUR)[A-Za-z0-9+/=]{20,}"),
    _rule("$", r"\$(?:2[abxy]|5|6|7|y|argon2(?:id?|d)|scrypt|pbkdf2[\w-]{0,20})\$[./A-Za-z0-9$=,+-]{20,}", before=""),
)
"""Keys that are known by how they begin."""

PLACES = (
    # a name and a password, or a token alone, in an address
    _rule("://", r"://([^\s/:@\"'<>]{0,256}:[^\s/\"'<>]{1,1024})(?=@)", before=""),
    _rule("://", r"://([A-Za-z0-9_.~%-]{20,256})(?=@)", _random, before=""),
    _any_case("?sig= &sig=", r"[?&]sig=([A-Za-z0-9%+/=_-]{20,})"),
    _any_case(
        "authorization",
        r"authorization\\*[\"']?[^\S\n]*[:=][^\S\n]*\\*[\"']?(?:digest|aws4-hmac-sha256)[^\S\n]+([^\n]{8,1000})",
    ),
    _any_case(
        "authorization",
        r"authorization\\*[\"']?[^\S\n]*[:=][^\S\n]*\\*[\"']?(?:[a-z][\w-]{0,30}[^\S\n]+)?([^\s\"',;\\<>\[]{6,})",
        _random,
    ),
    _any_case("bearer", r"\bbearer[^\S\n]+([A-Za-z0-9._~+/=-]{16,})"),
    _any_case("bearer", r"\bbearer[^\S\n]+([A-Za-z0-9._~+/=-]{8,15})", _random),
    _any_case("basic", r"\bbasic[^\S\n]+([A-Za-z0-9+/]{8,1000}={0,2})", _is_basic),
    _any_case("cookie", r"(?<![a-z0-9])cookie2?\\*[\"']?[^\S\n]*:[^\S\n]*\\*[\"']?([\w.-]{1,100}=[^\n\"']{4,4000})"),
    _any_case(
        "--",
        r"(?<![\w-])--(?=\w)[\w-]{0,40}(?:password|passwd|passphrase|token|secret|api-?key)[^\S\n]+([^\s\"'\-$<\[][^\s\"']{3,})",
        _random,
    ),
    _any_case("login", r"\blogin[^\S\n]+\S{1,200}[^\S\n]+password[^\S\n]+(\S{4,})"),
    _any_case("</", r"<[\w:.-]{0,60}(?:password|secret|token|api-?key)[^<>\n]{0,80}>([^<>\n]{4,1000})</", begins=False),
    _any_case(
        "pass token secret api access",
        r"\b(?:password|passwort|passphrase|token|secret|(?:api|access|secret)[ _-]?key)[^\S\n]+"
        r"(?:is|ist|was|=>|->)[^\S\n]*:?[^\S\n]*[\"'`]?([^\s\"'`<>\[]{6,})",
        _random,
    ),
)
"""Secrets that are known by where they stand."""
