"""Decision records: one row a turn, from which history, reasons and statistics are read."""

from tierwise.record.answer import answer_of
from tierwise.record.stats import Stats
from tierwise.record.store import Record, ThreadSummary

__all__ = ["Record", "Stats", "ThreadSummary", "answer_of"]
