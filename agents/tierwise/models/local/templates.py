"""Chat templates: the model's own, which is a program from a stranger, run in a sandbox with limits.

A template that is absent, broken or hostile is replaced by a built-in one where the vocabulary shows which fits.
"""

from __future__ import annotations

import _thread
import datetime
import json
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tierwise.errors import ModelFileError

MAX_SOURCE = 64 * 1024
MAX_OUTPUT = 256 * 1024
MAX_SECONDS = 1.0

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PHI3 = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_BUILT_IN = (({"<|im_start|>", "<|im_end|>"}, CHATML), ({"<|user|>", "<|assistant|>", "<|end|>"}, PHI3))

Chat = list[dict[str, str]]


class BadTemplate(Exception):
    """The template cannot be used; the text says why."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, without the operators that build huge values in a single step no clock can interrupt."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(side, int | float) and abs(side) < 1e6 for side in (left, right)):
            raise SecurityError(f"{operator} is only for small numbers here")
        if operator == "**" and abs(right) > 16:
            raise SecurityError("the exponent is too large")
        return super().call_binop(context, operator, left, right)


def _raise_exception(message: object) -> None:
    raise TemplateError(str(message))


def _environment() -> _Sandbox:
    sandbox = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    sandbox.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    sandbox.globals = {
        "raise_exception": _raise_exception,
        "strftime_now": lambda form: datetime.datetime.now().strftime(form),
        "range": sandbox.globals["range"],
        "namespace": sandbox.globals["namespace"],
        "dict": sandbox.globals["dict"],
    }
    return sandbox


class _Expired(Exception):
    pass


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`_Expired` in the main thread after ``seconds``. Only there: signals are handled nowhere else."""
    running = True

    def expire(signum: int, frame: object) -> None:
        if running:
            raise _Expired

    before = signal.signal(signal.SIGINT, expire)
    timer = threading.Timer(seconds, _thread.interrupt_main)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        running = False
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, before)


class Template:
    """A compiled chat template.

    Args:
        source: Jinja text.
        bos: text of the beginning token.
        eos: text of the ending token.

    Raises:
        BadTemplate: if it does not compile.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        if len(source) > MAX_SOURCE:
            raise BadTemplate(f"it is {len(source):,} characters long")
        self._names = {"bos_token": bos, "eos_token": eos}
        with _as_bad_template(), _time_limit(MAX_SECONDS):
            self._template = _environment().from_string(source)

    def render(self, messages: Chat) -> str:
        """Text of the whole prompt, the opening of the assistant's turn included.

        Raises:
            BadTemplate: if it fails, takes more than a second, or writes more than 256 kB beyond the messages.
        """
        room = MAX_OUTPUT + 2 * sum(len(m["content"]) for m in messages)
        parts: list[str] = []
        with _as_bad_template(), _time_limit(MAX_SECONDS):
            for part in self._template.generate(messages=messages, add_generation_prompt=True, **self._names):
                parts.append(part)
                room -= len(part)
                if room < 0:
                    raise BadTemplate("it writes without end")
        return "".join(parts)


@contextmanager
def _as_bad_template() -> Iterator[None]:
    try:
        yield
    except BadTemplate:
        raise
    except _Expired as error:
        raise BadTemplate(f"it takes more than {MAX_SECONDS:g} s") from error
    except Exception as error:  # a foreign program: it can raise anything, MemoryError and RecursionError included
        raise BadTemplate(f"{type(error).__name__}: {error}") from error


class PromptFormat:
    """The template in use and what it can take: decides once how messages must be shaped.

    Args:
        source: the file's own template, or ``None``.
        controls: texts of the model's control tokens.
        bos: text of the beginning token.
        eos: text of the ending token.

    Attributes:
        problem: why the file's own template is not used; ``None`` if it is.

    Raises:
        ModelFileError: if neither its own nor a built-in template fits.
    """

    def __init__(self, source: str | None, controls: Sequence[str], *, bos: str = "", eos: str = "") -> None:
        self.problem: str | None = None
        known = set(controls)
        fitting = [text for needed, text in _BUILT_IN if needed <= known]
        for candidate in ([source] if source else []) + fitting:
            try:
                self._template = Template(candidate, bos=bos, eos=eos)
                self._takes_system = self._probe()
            except BadTemplate as error:
                self.problem = self.problem or str(error)
            else:
                if source is None:
                    self.problem = "the file has none"
                return
        raise ModelFileError(
            f"The model's chat template cannot be used ({self.problem or 'there is none'}), and no built-in one fits "
            "its vocabulary.",
            fix="Use an instruction-tuned GGUF with a chat template.",
        )

    def render(self, messages: Chat) -> str:
        """Text of the prompt for ``messages`` (as :func:`shaped` returns them).

        Raises:
            BadTemplate: if the template fails on these messages.
        """
        return self._template.render(messages if self._takes_system else folded(messages))

    def _probe(self) -> bool:
        """Whether a system message survives; also the proof that the template works at all."""
        user: Chat = [{"role": "user", "content": "probe-of-user"}]
        text = self._template.render(user)
        if "probe-of-user" not in text:
            raise BadTemplate("it leaves out what the user says")
        try:
            return "probe-of-system" in self._template.render([{"role": "system", "content": "probe-of-system"}, *user])
        except BadTemplate:
            return False


def shaped(messages: Sequence[dict[str, Any]]) -> Chat:
    """Plain system, user and assistant messages that alternate, which is all that every template takes.

    Tool results become the user's words, tool calls the assistant's; neighbours of one role are joined.
    """
    chat: Chat = []
    for message in messages:
        role, content = message["role"], message["content"]
        if role == "tool":
            role, content = "user", f"Result of the tool:\n{content}"
        elif calls := message.get("tool_calls"):
            lines = [f"Call {c['name']} with {json.dumps(c['arguments'], ensure_ascii=False)}" for c in calls]
            content = "\n".join([content, *lines] if content else lines)
        if chat and chat[-1]["role"] == role:
            chat[-1]["content"] += "\n\n" + content
        else:
            chat.append({"role": role, "content": content})
    return chat


def folded(messages: Chat) -> Chat:
    """The same with the system message at the head of the first user message, for templates that know no system."""
    if not messages or messages[0]["role"] != "system":
        return messages
    system, rest = messages[0]["content"], messages[1:]
    if rest and rest[0]["role"] == "user":
        return [{"role": "user", "content": f"{system}\n\n{rest[0]['content']}"}, *rest[1:]]
    return [{"role": "user", "content": system}, *rest]


def prompt_tokens(
    chat: Chat,
    form: PromptFormat,
    controls: Sequence[str],
    tokenize: Callable[[str, bool], list[int]],
) -> list[int]:
    """Token ids of the rendered chat, in which only the template's own control tokens count as such.

    A control token written inside a message (``<|im_end|>`` in a document, say) is read as the plain characters it is
    made of: text from outside must not be able to end its own turn.

    Args:
        chat: messages from :func:`shaped`.
        form: the template.
        controls: texts of the control tokens, longest first.
        tokenize: ``(text, special) -> ids``.

    Raises:
        BadTemplate: if the template fails on these messages.
    """
    mark = _unused_mark(chat)
    hidden: list[str] = []

    def hide(found: re.Match[str]) -> str:
        hidden.append(found[0])
        return f"{mark}{len(hidden) - 1};"

    if controls:
        pattern = re.compile("|".join(map(re.escape, controls)))
        chat = [{"role": m["role"], "content": pattern.sub(hide, m["content"])} for m in chat]
    rendered = form.render(chat)
    places = {str(number): text for number, text in enumerate(hidden)}
    first, *others = rendered.split(mark)
    ids = tokenize(first, True) if first else []
    for part in others:
        number, _, after = part.partition(";")
        if number not in places:
            raise BadTemplate("it changes what the messages say")
        ids += tokenize(places[number], False)
        if after:
            ids += tokenize(after, True)
    return ids


def _unused_mark(chat: Chat) -> str:
    mark = "\ue000"
    while any(mark in m["content"] for m in chat):
        mark += "\ue001"
    return mark
