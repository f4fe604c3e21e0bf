"""From tiers, rules and an assessment to a choice. Pure functions: the same input gives the same choice.

Every reason names a true cause. A tier that would have come first and was passed over is given with all that stands
against it; take that away and it is chosen, unless a router expects it to fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.errors import (
    AdapterError,
    Blocked,
    ConfigError,
    ContextTooLong,
    ModelError,
    TierResting,
    UnknownName,
)
from tierwise.routing.thread.staying import Stay
from tierwise.types import Ahead, Assessment, Choice, Dial, Reason, Wish

# Prediction acts only at its sure ends; between them the draft's own evidence is better informed.
SURE_GOOD = 0.85
SURE_BAD = 0.35
# A step up must promise at least this much more chance of success, weighed by the user's wish: gain x weight > cost.
STEP_COST = 0.25
GAIN_WEIGHT: dict[Dial, float] = {"economy": 0.5, "balanced": 1.0, "quality": 2.0}
# A prompt that leaves less room than this for the answer does not fit.
MIN_ANSWER_TOKENS = 64
# Seconds of a rest that are waited for where no other tier can answer.
WAIT = 5.0


@dataclass(frozen=True, slots=True)
class TierState:
    """A tier as the choice sees it.

    Attributes:
        name: the tier's name.
        on_device: nothing leaves the machine by using it.
        context_window: tokens of prompt and answer together.
        down: why it cannot be used right now, in a few words; ``None`` if it can.
        adapters: its model can wear a LoRA adapter.
        spent: what the budget says against it; empty for a tier without a price, and as long as there is money.
        raise_it: what to do so that there is more.
        rests: it is down only because it failed and is left alone: for so many seconds more, 0 while it is tried;
            ``None`` if it does not rest.
    """

    name: str
    on_device: bool
    context_window: int
    down: str | None = None
    adapters: bool = False
    spent: tuple[Reason, ...] = ()
    raise_it: str = "raise it under [budget] in tierwise.toml"
    rests: float | None = None


def rough_tokens(question: str) -> int:
    """An upper guess before any model has counted; only questions that are far too long matter here."""
    return len(question) // 3


def resolve(tiers: Sequence[TierState], requested: str) -> TierState | None:
    """The tier a user means: by its name, else ``quick`` is the first and ``deep`` the last; ``auto`` is ``None``.

    Raises:
        UnknownName: if there is no such tier.
    """
    if requested == "auto":
        return None
    by_name = {tier.name: tier for tier in tiers}
    if requested in by_name:
        return by_name[requested]
    if requested in ("quick", "deep"):
        return tiers[0 if requested == "quick" else -1]
    names = ", ".join(["auto", *by_name])
    raise UnknownName(f"There is no tier {requested!r}.", fix=f"Choose one of: {names}.")


def choose(
    tiers: Sequence[TierState],
    *,
    requested: str = "auto",
    locked: bool = False,
    offline: bool = False,
    prompt_tokens: int = 0,
    adapter: bool = False,
    assessment: Assessment | None = None,
    dial: Wish = "balanced",
    stay: Stay | None = None,
) -> Choice:
    """Choose the tier for the first attempt.

    Order of the rules: what the user asked for; lock and offline; budget; adapter; context window; health; the
    assessment's sure ends; otherwise the cheapest tier that is left drafts, and its evidence decides. A stay lifts the
    choice to its tier, if that is left, and never lowers it.

    Args:
        tiers: cheapest first.
        requested: ``auto`` or a tier (see :func:`resolve`).
        locked: the turn must stay on the device.
        offline: no connection may be opened.
        prompt_tokens: length of the prompt, 0 if it is not known.
        adapter: the answer is to be written with a LoRA adapter.
        assessment: what is known before drafting; absent chances decide nothing.
        dial: the user's wish.
        stay: the conversation's tier, if it stays on one.

    Raises:
        UnknownName: if ``requested`` names no tier.
        Blocked: if lock, offline or budget refuse the tier asked for, or every tier that could do it.
        AdapterError: if the tier asked for, or every tier that may answer, cannot wear an adapter.
        ContextTooLong: if the prompt fits no tier.
        ModelError: if every tier is down; TierResting if one of them only rests.
        ConfigError: if there are no tiers.
    """
    if not tiers:
        raise ConfigError("No tier is configured.", fix="Run: tierwise setup.")
    asked = resolve(tiers, requested)
    if asked is not None and (refusal := _refusals(asked, locked, offline)):
        raise Blocked(refusal[0].text, fix=_way_out(tiers, locked))
    if asked is not None and asked.spent:
        raise Blocked(asked.spent[0].text, fix=_cheaper(tiers, asked.raise_it))
    if asked is not None and adapter and not asked.adapters:
        raise AdapterError(_bare(asked).text, fix=_who_wears(tiers))
    skipped: list[tuple[TierState, list[Reason]]] = []
    usable: list[TierState] = []
    for tier in _order(tiers, asked):
        against = _obstacles(tier, locked, offline, prompt_tokens, adapter)
        if not against:
            usable.append(tier)
        elif not usable:
            skipped.append((tier, against))
    if not usable and (soon := _back_soon(skipped)) is not None:
        usable = [soon]
        skipped = skipped[: [tier for tier, _ in skipped].index(soon)]
    if not usable:
        raise _nothing_left(skipped, locked)
    passed_over = tuple(reason for _, against in skipped for reason in against)
    if passed_over:
        down = any(reason.code == "tier_down" for reason in passed_over)
        usual = Choice(usable[0].name, "fallback" if down else "policy", passed_over)
    elif asked is not None:
        return Choice(asked.name, "manual", (Reason("requested", f"You asked for {asked.name}."),))
    else:
        usual = _by_assessment(usable, assessment or Assessment(), dial)
    if asked is None and stay is not None:
        names = [tier.name for tier in usable]
        if stay.tier in names[names.index(usual.tier) + 1 :]:
            return Choice(stay.tier, "policy", stay.reasons)
    return usual


def escalation(
    tiers: Sequence[TierState],
    current: str,
    *,
    locked: bool = False,
    offline: bool = False,
    prompt_tokens: int = 0,
    adapter: bool = False,
    wanted: str | None = None,
) -> tuple[str | None, Reason | None]:
    """The next tier above ``current`` that may and can take over, or ``wanted`` if it can.

    Returns:
        ``(name, None)``, or ``(None, reason)`` with what stands against the tier that is closest to being possible.
        Codes: ``top_tier``, ``no_higher_tier`` (there is only one), ``lock``, ``offline``, ``budget``, ``adapter``,
        ``context_window``, ``tier_down``.

    Raises:
        UnknownName: if ``current`` is no tier.
    """
    names = [tier.name for tier in tiers]
    if current not in names:
        raise UnknownName(f"There is no tier {current!r}.", fix=f"Choose one of: {', '.join(names)}.")
    higher = tiers[names.index(current) + 1 :]
    if not higher and len(tiers) > 1:
        return None, Reason("top_tier", f"{current} is the highest tier that is configured.")
    if not higher:
        return None, Reason("no_higher_tier", f"{current} is the only tier that is configured.")
    against = [_obstacles(tier, locked, offline, prompt_tokens, adapter) for tier in higher]
    able = [tier.name for tier, obstacles in zip(higher, against, strict=True) if not obstacles]
    if able:
        return wanted if wanted in able else able[0], None
    return None, min(against, key=len)[0]


def _order(tiers: Sequence[TierState], asked: TierState | None) -> list[TierState]:
    """Whom to try: cheapest first; after a tier that was asked for, first the better ones, then the next cheaper."""
    if asked is None:
        return list(tiers)
    at = list(tiers).index(asked)
    return [*tiers[at:], *reversed(tiers[:at])]


def _refusals(tier: TierState, locked: bool, offline: bool) -> list[Reason]:
    if tier.on_device:
        return []
    reasons = []
    if locked:
        reasons.append(Reason("lock", f"{tier.name} is not on this device, and this turn is locked to it."))
    if offline:
        reasons.append(Reason("offline", f"{tier.name} is not on this device, and tierwise is offline."))
    return reasons


def _bare(tier: TierState) -> Reason:
    return Reason("adapter", f"{tier.name} cannot wear an adapter, and this turn asks for one.")


def _obstacles(tier: TierState, locked: bool, offline: bool, prompt_tokens: int, adapter: bool) -> list[Reason]:
    reasons = [*_refusals(tier, locked, offline), *tier.spent]
    if adapter and not tier.adapters:
        reasons.append(_bare(tier))
    needed = prompt_tokens + MIN_ANSWER_TOKENS
    if prompt_tokens and needed > tier.context_window:
        reasons.append(
            Reason(
                "context_window",
                f"Prompt and answer need {needed:,} tokens; {tier.name} holds {tier.context_window:,}.",
                value=float(needed),
                threshold=float(tier.context_window),
            )
        )
    if tier.down is not None:
        reasons.append(Reason("tier_down", f"{tier.name} cannot be used now: {tier.down.rstrip('.')}."))
    return reasons


def _way_out(tiers: Sequence[TierState], locked: bool) -> str:
    lift = "Take the lock off" if locked else "Leave offline mode"
    local = [tier.name for tier in tiers if tier.on_device]
    return f"{lift}, or ask {local[0]}." if local else f"{lift}, or add a tier that runs on this device."


def _cheaper(tiers: Sequence[TierState], raise_it: str) -> str:
    free = next((tier.name for tier in tiers if not tier.spent), None)
    return f"Ask {free}, or {raise_it}." if free else f"{raise_it[0].upper()}{raise_it[1:]}."


def _who_wears(tiers: Sequence[TierState]) -> str:
    able = [tier.name for tier in tiers if tier.adapters]
    return f"Ask {able[0]}, or leave the adapter out." if able else "Leave it out, or add a llama: tier."


def _back_soon(skipped: Sequence[tuple[TierState, list[Reason]]]) -> TierState | None:
    """A tier whose short rest can be waited for, where no other can answer."""
    for tier, against in skipped:
        if {reason.code for reason in against} == {"tier_down"} and tier.rests is not None and tier.rests <= WAIT:
            return tier
    return None


def _nothing_left(
    skipped: Sequence[tuple[TierState, list[Reason]]], locked: bool
) -> Blocked | ContextTooLong | ModelError:
    """The error for "no tier can", by the first rule in the order whose lifting would help."""
    if all(any(reason.code == "adapter" for reason in against) for _, against in skipped):
        return AdapterError("No tier can wear an adapter.", fix=_who_wears(()))
    for blocked, against in skipped:
        if {reason.code for reason in against} <= {"lock", "offline"}:
            own = next((reasons[0].text + " " for tier, reasons in skipped if tier.on_device), "")
            return Blocked(own + against[0].text, fix=_way_out((), locked))
        if {reason.code for reason in against} <= {"lock", "offline", "budget"}:
            fix = _cheaper((), blocked.raise_it) if against[0].code == "budget" else _way_out((), locked)
            return Blocked(against[0].text, fix=fix)
    up = [tier for tier, against in skipped if all(reason.code != "tier_down" for reason in against)]
    if up:
        widest = max(up, key=lambda tier: tier.context_window)
        return ContextTooLong(
            f"The prompt does not fit; {widest.name}, the widest tier, holds {widest.context_window:,} tokens.",
            fix="Ask with less text, or start a new thread.",
        )
    down = [(tier, reason.text) for tier, against in skipped for reason in against if reason.code == "tier_down"]
    said = f"No tier can answer now. {' '.join(text for _, text in down)}"
    rests = [tier.rests for tier, _ in down if tier.rests is not None]
    if rests:  # one that is missing does not come back by waiting, but one that rests does
        wait = max(1, round(min(rests)))
        return TierResting(said, fix=f"Ask again in {wait} s; then run: tierwise doctor.", nothing_sent=True)
    return ModelError(said, fix="Run: tierwise doctor.")


def _by_assessment(usable: Sequence[TierState], assessment: Assessment, dial: Wish) -> Choice:
    first = usable[0]
    if assessment.ahead is not None:
        return _ahead_or_draft(usable, assessment, assessment.ahead)
    default = Choice(
        first.name, "post", (Reason("draft_first", f"{first.name} is the cheapest tier that may; its draft decides."),)
    )
    chance = assessment.p_good.get(first.name)
    if chance is None:
        return default
    if chance >= SURE_GOOD:
        text = f"{first.name} is expected to succeed."
        return _ahead(first, assessment, Reason("p_good", text, value=chance, threshold=SURE_GOOD))
    weight = GAIN_WEIGHT[dial if isinstance(dial, str) else "balanced"]
    known = [(assessment.p_good[tier.name] - chance, tier) for tier in usable[1:] if tier.name in assessment.p_good]
    worth = [(gain, tier) for gain, tier in known if gain * weight > STEP_COST]
    if chance > SURE_BAD or not worth:
        return default
    # The first tier that is worth its step: a still higher one has to earn another step over it.
    gain, best = worth[0]
    for more, tier in worth[1:]:
        if (more - gain) * weight > STEP_COST:
            gain, best = more, tier
    return _ahead(
        best,
        assessment,
        Reason("p_good", f"{first.name} is expected to fail.", value=chance, threshold=SURE_BAD),
        Reason("gain", f"{best.name} is expected to do better.", value=gain, threshold=STEP_COST / weight),
    )


def _ahead_or_draft(usable: Sequence[TierState], assessment: Assessment, options: Sequence[Ahead]) -> Choice:
    """By a router that has weighed drafting itself: the first tier it would go to at once, else the cheapest drafts."""
    first, left = usable[0], {tier.name for tier in usable[1:]}
    options = [option for option in options if option.tier in left]
    for option in options:
        if option.gain > option.threshold:
            text = f"{option.tier} is expected to do better than {first.name}, whatever its draft would tell."
            reason = Reason("gain", text, option.gain, option.threshold)
            return Choice(option.tier, "pre", (reason, *assessment.reasons))
    text = f"{first.name} is the cheapest tier that may; its draft decides."
    reasons = [Reason("draft_first", text)]
    if options:
        best = options[0]
        reasons.append(Reason("gain", f"Gain expected of {best.tier} beforehand.", best.gain, best.threshold))
    return Choice(first.name, "post", tuple(reasons))


def _ahead(tier: TierState, assessment: Assessment, *reasons: Reason) -> Choice:
    return Choice(tier.name, "pre", (*reasons, *assessment.reasons))
