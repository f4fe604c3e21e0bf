"""Logs, warnings and tracebacks of the whole process without secrets, whichever library writes them."""

from __future__ import annotations

import io
import logging
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from types import TracebackType
from typing import Any

from tierwise.redact.personal import personal_spans
from tierwise.redact.values import redact_value
from tierwise_tools.secrets import Redaction

_FIELDS = frozenset(vars(logging.makeLogRecord({})))
_lock = threading.Lock()
_installed = False


def install() -> None:
    """Take secrets and personal data out of all that is logged, warned or shown as a traceback from now on.

    It holds for every logger and handler of the process, those of libraries included, at any level: the message, its
    arguments, the traceback, the fields that were given as ``extra``. Records that hold neither stay as they are.
    Calling it twice is fine.
    """
    global _installed
    with _lock:
        if _installed:
            return
        _installed = True
        logging.setLogRecordFactory(_Factory(logging.getLogRecordFactory()))
        logging.Logger.makeRecord = _with_extra(logging.Logger.makeRecord)  # type: ignore[method-assign]
        warnings.formatwarning = _formatted(warnings.formatwarning)
        sys.excepthook = _excepthook
        threading.excepthook = _in_thread
        sys.unraisablehook = _unraisable


def _redaction() -> Redaction:
    return Redaction(also=personal_spans)


class _Factory:
    """Makes log records without secrets."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **kwargs)
        with suppress(Exception):  # what cannot be looked at is replaced, not let through
            _clean(record, _redaction())
            return record
        record.msg, record.args, record.exc_info = "(a log line that could not be read)", None, None
        return record


def _clean(record: logging.LogRecord, redact: Redaction) -> None:
    try:
        said = record.getMessage()
    except Exception:  # arguments that do not fit: the handler would print them as they are
        said, fits = f"{record.msg} {record.args!r}", False
    else:
        fits = True
    safe = redact(said)
    if not fits:
        record.msg, record.args = safe, None
    elif safe != said:
        record.args = redact_value(record.args, redact)  # formatters that use the arguments still find them
        record.msg = redact(record.msg) if isinstance(record.msg, str) else record.msg
        with suppress(Exception):
            if record.getMessage() == redact(record.getMessage()) and isinstance(record.msg, str):
                safe = ""
        if safe:
            record.msg, record.args = safe, None
    if record.exc_info and record.exc_info[0] is not None:
        trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if (clean := redact(trace)) != trace:
            record.exc_text, record.exc_info = clean, None
    if record.stack_info:
        record.stack_info = redact(record.stack_info)


def _with_extra(make: Any) -> Any:
    def make_record(self: logging.Logger, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = make(self, *args, **kwargs)
        more = vars(record).keys() - _FIELDS
        if more:
            redact = _redaction()
            for name in more:
                value = vars(record)[name]
                setattr(record, name, redact_value({name: value}, redact)[name])
        return record

    return make_record


def _formatted(form: Any) -> Any:
    def formatwarning(*args: Any, **kwargs: Any) -> str:
        return _redaction()(form(*args, **kwargs))

    return formatwarning


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _write("".join(traceback.format_exception(kind, error, trace)))


def _in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:
        return
    said = io.StringIO()
    said.write(f"Exception in thread {args.thread.name if args.thread else 'unknown'}:\n")
    traceback.print_exception(args.exc_type, args.exc_value, args.exc_traceback, file=said)
    _write(said.getvalue())


def _unraisable(args: Any) -> None:
    said = io.StringIO()
    said.write(f"{args.err_msg or 'Exception ignored in'}: {args.object!r}\n")
    traceback.print_exception(args.exc_type, args.exc_value, args.exc_traceback, file=said)
    _write(said.getvalue())


def _write(text: str) -> None:
    if sys.stderr is not None:  # a program without a terminal has none
        sys.stderr.write(_redaction()(text))
        sys.stderr.flush()
