"""Decision records: one row a turn, from which history, reasons and statistics are read."""

from tierwise.record.answer import answer_of
from tierwise.record.calls import CallKey, LedgerEntry, call_hash, call_id, steps_of
from tierwise.record.feedback import Feedback
from tierwise.record.spending import Spending
from tierwise.record.stats import Stats
from tierwise.record.store import Record, ThreadSummary

__all__ = [
    "CallKey",
    "Feedback",
    "LedgerEntry",
    "Record",
    "Spending",
    "Stats",
    "ThreadSummary",
    "answer_of",
    "call_hash",
    "call_id",
    "steps_of",
]
