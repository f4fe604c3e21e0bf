"""What an answer's text gives away: whether it comes to an end, agrees with itself, and fits its question.

No model is asked. All names are the same for every pair, every value is finite, counts are on the scale ``log(1 + n)``.
"""

from __future__ import annotations

import json
import math
import re

from tierwise.sums import check_sums
from tierwise.words import content_words

_SAID = re.compile(
    r"(?:answer is|answer:|####|\\boxed\{|\"answer\"\s*:|correct option is|therefore[, ]+the answer)", re.IGNORECASE
)
_LETTER = re.compile(r"(?:answer is|answer:|\"answer\"\s*:)\s*[\"*]*\(?([A-Z])\)?(?![a-zA-Z])", re.IGNORECASE)
_OPTION = re.compile(r"^\s*\(?([A-Z])[.):]\s*(.*)$", re.MULTILINE)
_JSON_ANSWER = re.compile(r"\"answer\"\s*:\s*(\"(?:[^\"\\]|\\.)*\"|[^,}\n]*)")
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_FENCE = re.compile(r"^\s*```(?:json)?|```\s*$", re.MULTILINE)
_HEDGE = re.compile(
    r"\b(?:however|but|although|might|may|could|possibly|likely|probably|approximately|approx|assum\w+|seems?|appears?"
    r"|unclear|ambiguous|not (?:provided|given|enough|possible)|cannot|can't|unable|unfortunately"
    r"|without (?:more|further))\b",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:mistake|apolog\w+|incorrect|correction|wait|let's (?:re|correct)\w*|none of the|does not match|doesn't match"
    r"|closest|error|contradict\w*|reconsider|re-?evaluate|trial and error|is not (?:in|one of))\b",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"\b(?:first|second|third|next|then|finally|now|therefore|thus|so|hence|step \d)\b|^\s*\d+\.", re.I | re.M
)
_MORE = re.compile(r"^#+ |^\s*(?:Question|Instruction|Q:|Problem)\b|\n\n##", re.MULTILINE)
_LETTERS = 10


def response_features(question: str, answer: str) -> dict[str, float]:
    """Features of an answer beside its question."""
    body = answer.strip()
    said = list(_SAID.finditer(body))
    final = _final(body)
    return {
        **_shape(question, body),
        "said": _log(len(said)),
        "says_answer": float(bool(said)),
        "after_answer": _log(len(body) - said[0].end()) if said else 0.0,
        "before_answer": _log(said[0].start()) if said else 0.0,
        **_figures(question, body, final),
        **_choice(question, body),
        **_form(question, body, final),
    }


def _shape(question: str, body: str) -> dict[str, float]:
    words = body.lower().split()
    triples = list(zip(words, words[1:], words[2:], strict=False))
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return {
        "length": _log(len(body)),
        "longer_than_question": _log(len(body)) - _log(len(question)),
        "lines": _log(len(lines)),
        "repeated_lines": 1.0 - len(set(lines)) / max(1, len(lines)),
        "repeated_words": 1.0 - len(set(triples)) / max(1, len(triples)),
        "different_words": len(set(words)) / max(1, len(words)),
        "cut": float(not body.endswith((".", "!", "?", "}", "`", ")", "]"))),
        "hedges": _log(len(_HEDGE.findall(body))),
        "doubts": _log(len(_DOUBT.findall(body))),
        "steps": _log(len(_STEP.findall(body))),
        "goes_on": _log(len(_MORE.findall(body))),
        "formulas": _log(body.count("\\") + body.count("$")),
        "question_words": _share(set(content_words(question)), set(content_words(body))),
        "new_words": 1.0 - _share(set(content_words(body)), set(content_words(question))),
    }


def _figures(question: str, body: str, final: str) -> dict[str, float]:
    asked = {_plain(n) for n in _NUMBER.findall(question)}
    used = [_plain(n) for n in _NUMBER.findall(body)]
    sums, wrong = check_sums(body)
    numbers = [_plain(n) for n in _NUMBER.findall(final)]
    value = numbers[-1] if numbers else ""
    earlier = used[: -len(numbers)] if numbers else used
    return {
        "numbers": _log(len(used)),
        "different_numbers": _log(len(set(used))),
        "given_numbers_used": _share(asked, set(used)),
        "new_numbers": _log(len(set(used) - asked)),
        "equals": _log(body.count("=")),
        "sums": _log(sums),
        "wrong_sums": _log(wrong),
        "wrong_share": wrong / max(1, sums),
        "decimals": _log(sum("." in n for n in used)),
        "final_number": float(bool(value)),
        "final_given": float(value in asked),
        "final_times": _log(earlier.count(value)) if value else 0.0,
        "final_last": float(bool(value and earlier) and value in earlier[-2:]),
        "final_decimal": float("." in value),
        "final_negative": float(value.startswith("-")),
        "final_size": _log(abs(float(value[:15]))) if value else 0.0,
    }


def _choice(question: str, body: str) -> dict[str, float]:
    options = {letter: text.strip().lower() for letter, text in _OPTION.findall(question)}
    found = _LETTER.findall(body)
    letter = found[-1].upper() if found else ""
    made = {f"letter_{chr(65 + i)}": float(letter == chr(65 + i)) for i in range(_LETTERS)}
    low = body.lower()
    words = set(low.split())
    own, others = 0.0, 0.0
    if letter in options:
        covered = {key: _share(set(text.split()), words) for key, text in options.items()}
        own = covered.pop(letter)
        others = max(covered.values(), default=0.0)
    return made | {
        "chose": float(letter in options),
        "options_unmet": float(bool(options) and letter not in options),
        "letters_differ": float(len({one.upper() for one in found}) > 1),
        "choice_covered": own,
        "choice_margin": own - others,
        "choice_quoted": float(bool(options.get(letter)) and options[letter] in low),
        "options_quoted": _log(sum(bool(text) and text in low for text in options.values())),
        "choice_length": _log(len(options.get(letter, ""))),
    }


def _form(question: str, body: str, final: str) -> dict[str, float]:
    bare = _FENCE.sub("", body).strip()
    valid = False
    if bare.startswith("{"):
        try:
            json.loads(bare, strict=False)
            valid = True
        except (ValueError, RecursionError):
            pass
    quoted = final.strip("'\"")
    return {
        "json": float(bare.startswith("{")),
        "json_valid": float(valid),
        "final_length": _log(len(final)),
        "final_in_question": float(bool(quoted) and quoted in question),
        "final_in_body": _log(body.count(quoted) - 1) if quoted and final != body else 0.0,
        "final_words": _log(len(final.split())),
        "final_symbols": _log(sum(not (c.isalnum() or c.isspace()) for c in final)),
        "final_longer": _log(len(final)) - _log(len(question.rstrip().rsplit("\n", 1)[-1])),
    }


def _final(body: str) -> str:
    """The text of the answer itself, as far as it is marked; else the last line."""
    if marked := _JSON_ANSWER.findall(body):
        return str(marked[0]).strip().strip('"')
    said = list(_SAID.finditer(body))
    if said:
        return body[said[-1].end() :].strip().split("\n", 1)[0][:200]
    return body.rsplit("\n", 1)[-1][-200:]


def _plain(number: str) -> str:
    whole = number.replace(",", "")
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def _share(wanted: set[str], present: set[str]) -> float:
    return len(wanted & present) / len(wanted) if wanted else 0.0


def _log(count: float) -> float:
    return math.log1p(max(0.0, count))
