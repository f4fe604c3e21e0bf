"""What the server counts, for Prometheus: of turns, of requests, of the line. One set for one application."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tierwise.events import ToolFinished, TurnQueued

if TYPE_CHECKING:
    from tierwise import Answer
    from tierwise_app.serve.turns import Turns, Watched

_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"})


class Figures:
    """Counts what happens; every label is a word of ours or the name of a tier, never a client's.

    Args:
        turns: those that run here.
        tiers: names of the tiers.
    """

    def __init__(self, turns: Turns, tiers: tuple[str, ...]) -> None:
        self._tiers = frozenset(tiers)
        own = self._registry = CollectorRegistry()
        self._turns = Counter("tierwise_turns", "Turns that are over.", ("tier", "status", "stage"), registry=own)
        self._attempts = Counter("tierwise_attempts", "Tries of a tier.", ("tier", "outcome"), registry=own)
        self._escalations = Counter(
            "tierwise_escalations", "Turns that went on with another tier.", ("from_tier", "to_tier"), registry=own
        )
        self._notices = Counter(
            "tierwise_notices", "Notices that answers bear, by their code.", ("code",), registry=own
        )
        self._tokens = Counter("tierwise_tokens", "Tokens read (in) and written (out).", ("tier", "way"), registry=own)
        self._usd = Counter("tierwise_cost_usd", "What attempts cost, in USD.", ("tier",), registry=own)
        self._sent = Counter("tierwise_sent_bytes", "Bytes of requests that left the device.", registry=own)
        self._whole = Histogram(
            "tierwise_turn_seconds", "Turns from their message to their end.", ("status",), registry=own, buckets=_LONG
        )
        self._own = Histogram(
            "tierwise_own_seconds",
            "Turns without models, tools, and waiting for the thread.",
            registry=own,
            buckets=_SHORT,
        )
        self._first = Histogram(
            "tierwise_first_token_seconds", "Requests to a tier until the first token.", ("tier",), registry=own,
            buckets=_LONG,
        )  # fmt: skip
        self._waited = Histogram(
            "tierwise_waiting_seconds", "Turns in the line before they are worked on.", registry=own, buckets=_LONG
        )
        self._requests = Counter(
            "tierwise_http_requests", "Requests, by route and status.", ("method", "route", "status"), registry=own
        )
        self._request_seconds = Histogram(
            "tierwise_http_seconds", "Requests until their last byte.", ("route",), registry=own, buckets=_LONG
        )
        self._refused = Counter(
            "tierwise_refused", "Requests refused at the door, by reason.", ("reason",), registry=own
        )
        for name, about, now in (
            ("waiting", "Turns in the line.", lambda: turns.line.waiting),
            ("working", "Turns that are worked on.", lambda: turns.line.working),
            ("running", "Turns begun and not over, those in the line included.", lambda: turns.running),
            ("draining", "1 once the server is about to end.", lambda: int(turns.draining)),
        ):
            Gauge(f"tierwise_{name}", about, registry=own).set_function(now)
        turns.ended.append(self.ended)

    def ended(self, watched: Watched) -> None:
        """Count a turn that is over."""
        answer = watched.answer
        if answer is None:
            status = "stopped" if watched.error is None else "not_begun" if watched.turn_id is None else "failed"
            self._turns.labels("none", status, "none").inc()
            return
        stage = answer.decision.stage if answer.decision else "none"
        self._turns.labels(self._known(answer.tier), answer.status, stage).inc()
        self._whole.labels(answer.status).observe(answer.ms / 1000)
        if not any(isinstance(item, TurnQueued) for item in watched.items):
            tools = sum(item.ms for item in watched.items if isinstance(item, ToolFinished))
            models = sum(attempt.ms for attempt in answer.attempts)
            self._own.observe(max(0.0, answer.ms - models - tools) / 1000)
        for notice in answer.notices:
            self._notices.labels(notice.code).inc()
        self._sent.inc(answer.sent_out.bytes)
        self._count_attempts(answer)

    def waited(self, seconds: float) -> None:
        """Count how long a turn stood in the line."""
        self._waited.observe(seconds)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that is over.

        Args:
            method: of HTTP.
            route: its template, as ``/v1/turns/{turn_id}``; ``none`` for what led nowhere.
            status: of the response.
            seconds: until its last byte.
        """
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a request that was refused before it came to a route; ``reason`` is one of a few words."""
        self._refused.labels(reason).inc()

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def _count_attempts(self, answer: Answer) -> None:
        for attempt in answer.attempts:
            tier = self._known(attempt.tier)
            self._attempts.labels(tier, attempt.outcome).inc()
            self._tokens.labels(tier, "in").inc(attempt.usage.prompt_tokens)
            self._tokens.labels(tier, "out").inc(attempt.usage.completion_tokens)
            self._usd.labels(tier).inc(attempt.cost_usd)
            if attempt.first_token_ms is not None:
                self._first.labels(tier).observe(attempt.first_token_ms / 1000)
        for before, after in pairwise(self._known(attempt.tier) for attempt in answer.attempts):
            if before != after:
                self._escalations.labels(before, after).inc()

    def _known(self, tier: str | None) -> str:
        return "none" if tier is None else tier if tier in self._tiers else "other"
