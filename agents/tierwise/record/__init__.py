"""Decision records: one row a turn, from which history, reasons and statistics are read."""

from tierwise.record.answer import answer_of
from tierwise.record.calls import CallKey, LedgerEntry, call_hash, call_id, steps_of
from tierwise.record.conversation import NO_ANSWER, Earlier, Exchange
from tierwise.record.feedback import Feedback
from tierwise.record.spending import Spending
from tierwise.record.stated import stated_in
from tierwise.record.stats import Stats
from tierwise.record.store import Record
from tierwise.record.threads import ThreadSummary

__all__ = [
    "NO_ANSWER",
    "CallKey",
    "Earlier",
    "Exchange",
    "Feedback",
    "LedgerEntry",
    "Record",
    "Spending",
    "Stats",
    "ThreadSummary",
    "answer_of",
    "call_hash",
    "call_id",
    "stated_in",
    "steps_of",
]
