"""Decision records: one row a turn, from which history, reasons and statistics are read."""

from tierwise.record.answer import answer_of
from tierwise.record.callers import ANY
from tierwise.record.calls import Allowance, CallKey, LedgerEntry, PastCall, call_hash, call_id, steps_of
from tierwise.record.conversation import NO_ANSWER, Earlier, Exchange
from tierwise.record.feedback import Feedback
from tierwise.record.file.backups import backups
from tierwise.record.insights import DaySums, Insights, TierSums, sum_up
from tierwise.record.listing import Partial, Standing
from tierwise.record.payments import Bound, Spent
from tierwise.record.savings import LocalWork, saved
from tierwise.record.sendings import ItemKey, Sending, TakenOut, item_key
from tierwise.record.spending import Spending
from tierwise.record.stated import stated_in
from tierwise.record.stats import Stats, summarise
from tierwise.record.store import Record
from tierwise.record.threads import ThreadSummary

__all__ = [
    "ANY",
    "NO_ANSWER",
    "Allowance",
    "Bound",
    "CallKey",
    "DaySums",
    "Earlier",
    "Exchange",
    "Feedback",
    "Insights",
    "ItemKey",
    "LedgerEntry",
    "LocalWork",
    "Partial",
    "PastCall",
    "Record",
    "Sending",
    "Spending",
    "Spent",
    "Standing",
    "Stats",
    "TakenOut",
    "ThreadSummary",
    "TierSums",
    "answer_of",
    "backups",
    "call_hash",
    "call_id",
    "item_key",
    "saved",
    "stated_in",
    "steps_of",
    "sum_up",
    "summarise",
]
