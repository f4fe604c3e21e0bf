"""What the wording of a message tells: whether it asks for a fact, and whether it is about the user's own documents."""

from __future__ import annotations

import re

_OWN_DOCUMENTS = re.compile(
    r"\b(?:my|our)\s+(?:\w+\s+){0,2}?(?:documents?|files?|notes?|contracts?|agreements?|manuals?|minutes|logs?|pdfs?|"
    r"reports?|invoices?|policy|policies|leases?|collections?|papers?|e-?mails?)\b"
    r"|\b(?:in|from|according to|by) (?:the|these|this|those) (?:uploaded |ingested |attached )?"
    r"(?:documents?|files?|notes|pdfs?|collection|sources?)\b",
    re.IGNORECASE,
)
_START = r"(?:^|[.!;:\n]\s*)(?:(?:and|but|so|then|or|ok|okay|please|hi|hello|hey)\b[,\s]*)*"
_ASKS = re.compile(
    _START + r"(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|will|would|should"
    r"|has|have|had|may|must|explain|describe|list|name|find|state|look up|(?:tell|show|give) me)\b",
    re.IGNORECASE,
)
_TASK = re.compile(
    r"\b(?:write|draft|compose|translate|summari[sz]e|rewrite|rephrase|paraphrase|shorten|improve|proofread|polish"
    r"|brainstorm|imagine|invent|suggest|recommend|make up|pretend|role.?play|act as|come up with"
    r"|(?:a|an|some) (?:\w+ )?(?:joke|poem|story|song|haiku|limerick|riddle|slogan)s?)\b",
    re.IGNORECASE,
)


def asks_fact(question: str) -> bool:
    """Whether a message asks for something that a document may state, and is no task such as writing or translating."""
    asks = question.rstrip().endswith(("?", "\uff1f")) or _ASKS.search(question) is not None
    return asks and _TASK.search(question) is None


def about_own_documents(question: str) -> bool:
    """Whether a message speaks of documents of the user's own, which no model can know."""
    return _OWN_DOCUMENTS.search(question) is not None
