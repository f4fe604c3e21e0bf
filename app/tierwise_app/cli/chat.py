"""``tierwise chat``: questions and answers until Ctrl-D."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from tierwise.errors import ConfigError, StoreError, TierwiseError
from tierwise.home import open_home, private
from tierwise.types import ShowBeforeSending, Wish
from tierwise.wish import WORDS, read_wish, wish_text
from tierwise_app.cli.ask import Lock, Offline, Show, Thread, Tier
from tierwise_app.cli.session import Collection, session
from tierwise_app.console import err, out, report, warn
from tierwise_app.deciding import decide_on_terminal, decide_sending_on_terminal, has_person
from tierwise_app.overrule import last_answer, tier_above, tier_here
from tierwise_app.text import one_line, place
from tierwise_app.waiting_calls import print_what_waits
from tierwise_app.wishes import Dial, Share, wish_of

if TYPE_CHECKING:
    from tierwise import Answer, Copilot
    from tierwise_app.live import TurnView

HELP = """\
/tier [NAME]     show the tiers, or ask NAME from now on (auto: tierwise chooses)
/dial [WISH]     economy, balanced, quality, or a share of questions that may go up: 0.2
/lock [on|off]   keep this thread on the device
/thread [NAME]   show the threads, or go to one; `/thread new` begins one
/search QUERY    find passages without asking a model
/escalate        have the last answer given again by the next larger tier
/local           have it given again on this device
/up, /down [WHY] judge the last answer
/why [TURN]      why the last answer came out as it did
/help            this list
/quit            leave (also Ctrl-D); Ctrl-C stops an answer"""


def chat(
    ctx: typer.Context,
    thread: Thread = None,
    tier: Tier = "auto",
    dial: Dial = None,
    share: Share = None,
    lock: Lock = False,
    collection: Collection = None,
    offline: Offline = False,
    show: Show = False,
) -> None:
    """Chat: streaming answers, commands with /, Ctrl-C stops the answer, Ctrl-D leaves. Reads lines from a pipe too."""
    wish = wish_of(dial, share)
    with session(ctx).copilot(dial=wish) as copilot:
        conversation = Conversation(copilot, thread=thread, tier=tier, dial=wish, collection=collection)
        conversation.offline = offline or None
        conversation.show = "always" if show else None
        if lock:
            conversation.set_lock(True)
        conversation.run(_lines(copilot))


def _lines(copilot: Copilot) -> Iterator[str]:
    """Lines that a person types (with history), or those of a pipe."""
    if not has_person():
        yield from sys.stdin
        return
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    history: History = InMemoryHistory()
    try:
        history = FileHistory(private(open_home(copilot.settings.home) / "chat_history"))
    except StoreError as error:
        warn(f"What you type is not remembered: {error}")
    prompt: PromptSession[str] = PromptSession(history=history)
    out().print("Ask something; /help lists the commands, Ctrl-D leaves.", style="dim")
    while True:
        try:
            yield prompt.prompt("> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


class Conversation:
    """What the chat remembers between lines."""

    def __init__(
        self, copilot: Copilot, *, thread: str | None, tier: str, dial: Wish | None, collection: str | None
    ) -> None:
        self.copilot = copilot
        self.thread = thread
        self.tier = tier
        self.dial = dial
        self.collection = collection
        self.offline: bool | None = None
        self.show: ShowBeforeSending | None = None
        self.locked = thread is not None and copilot.record.is_locked(thread)
        self._commands: dict[str, Callable[[str], None]] = {
            "tier": self._tier,
            "dial": self._dial,
            "lock": self._lock,
            "thread": self._thread,
            "search": self._search,
            "escalate": self._escalate,
            "local": self._local,
            "up": lambda reason: self._judge("up", reason),
            "down": lambda reason: self._judge("down", reason),
            "why": self._why,
            "help": lambda _: out().print(HELP),
        }

    def run(self, lines: Iterator[str]) -> None:
        """Answer lines until there are no more, or one says to leave."""
        for line in lines:
            text = line.strip()
            if text in ("/quit", "/exit"):
                return
            if not text:
                continue
            try:
                if text.startswith("/"):
                    self._command(text)
                else:
                    self._ask(text)
            except TierwiseError as error:
                report(error, as_json=False)
            except KeyboardInterrupt:
                err().print("stopped", style="yellow")

    def set_lock(self, locked: bool) -> None:
        """Lock or unlock the thread; one that has no turn yet is locked with its first message."""
        self.locked = locked
        if self.thread is not None:
            self.copilot.record.lock_thread(self.thread, locked)

    def _ask(self, question: str) -> None:
        from tierwise_app.live import run_turn

        options: dict[str, Any] = {"thread": self.thread, "tier": self.tier, "dial": self.dial, "lock": self.locked}
        options |= {"collection": self.collection, "offline": self.offline, "show_before_sending": self.show}
        answer = run_turn(self.copilot, question, self._view(), **options)
        if self.thread is None:
            self.thread = answer.thread
            if self.locked:
                self.copilot.record.lock_thread(self.thread, True)
        self._end(answer)

    def _view(self) -> TurnView:
        from tierwise_app.live import TurnView

        return TurnView(waiting=not has_person())

    def _end(self, answer: Answer) -> None:
        """Say how the turn ended; while it waits for a decision, ask for it and go on."""
        from tierwise_app.live import run_on

        while answer.status == "needs_approval" and has_person():
            if not self._decided(answer):
                print_what_waits(out(), self.copilot.record.get(answer.turn_id))
                return
            answer = run_on(self.copilot, answer.turn_id, self._view())
        if answer.status == "stopped":
            err().print("stopped; what was written is kept in the thread", style="yellow")

    def _decided(self, answer: Answer) -> bool:
        if answer.outgoing is not None:
            return decide_sending_on_terminal(self.copilot, answer.outgoing)
        return decide_on_terminal(self.copilot, answer.turn_id)

    def _command(self, text: str) -> None:
        name, _, rest = text[1:].partition(" ")
        command = self._commands.get(name)
        if command is None:
            err().print(f"There is no command /{one_line(name)}; /help lists them.", style="yellow")
        else:
            command(rest.strip())

    def _tier(self, name: str) -> None:
        known = [t.name for t in self.copilot.tiers]
        if name and name not in (*known, "auto", "quick", "deep"):
            err().print(f"There is no tier {one_line(name)!r}; there are auto, {', '.join(known)}.", style="yellow")
            return
        self.tier = name or self.tier
        for tier in self.copilot.tiers:
            where = "on this device" if tier.stays_on_device else tier.base_url or "hosted"
            out().print(f"  {tier.name}: {tier.model_name} ({where})")
        out().print(f"tier: {self.tier}")

    def _dial(self, wish: str) -> None:
        try:
            self.dial = read_wish("The dial", wish) if wish else self.dial
        except ConfigError:
            words = f"{', '.join(WORDS)}, or a share such as 0.2"
            err().print(f"The dial has no {one_line(wish)!r}; it has {words}.", style="yellow")
            return
        out().print(f"dial: {wish_text(self.copilot.settings.dial if self.dial is None else self.dial)}")

    def _lock(self, word: str) -> None:
        if word not in ("", "on", "off"):
            err().print("Write /lock, /lock on or /lock off.", style="yellow")
            return
        self.set_lock(word == "on" if word else not self.locked)
        out().print("locked: nothing leaves this device" if self.locked else "unlocked")

    def _thread(self, name: str) -> None:
        if name == "new":
            self.thread, self.locked = None, False
            out().print("a new thread begins with your next message")
        elif name:
            self.thread = name
            self.locked = self.copilot.record.is_locked(name)
            out().print(f"thread: {one_line(name)}" + (" (locked)" if self.locked else ""))
        else:
            for thread in self.copilot.record.threads(limit=10):
                mark = "*" if thread.thread == self.thread else " "
                out().print(f"{mark} {thread.thread}  {one_line(thread.title, 60)}")

    def _search(self, query: str) -> None:
        if not query:
            err().print("Write what to look for: /search QUERY", style="yellow")
            return
        passages = self.copilot.knowledge.search(query, k=5, collection=self.collection)
        for passage in passages:
            out().print(f"{passage.score:.2f} {place(passage.source, passage.page)}: {one_line(passage.text, 200)}")
        if not passages:
            out().print("nothing found", style="dim")

    def _escalate(self, _: str) -> None:
        self._again(tier_above)

    def _local(self, _: str) -> None:
        self._again(tier_here)

    def _again(self, other: Callable[[Sequence[Any], str], str]) -> None:
        from tierwise_app.live import run_again

        last = last_answer(self.copilot.record, self.thread)
        tier = other(self.copilot.tiers, last.final or "")
        options: dict[str, Any] = {"dial": self.dial, "lock": self.locked, "offline": self.offline}
        options |= {"show_before_sending": self.show}
        self._end(run_again(self.copilot, last.turn_id, self._view(), tier=tier, **options))

    def _judge(self, thumb: str, reason: str) -> None:
        last = last_answer(self.copilot.record, self.thread)
        judged = self.copilot.record.set_feedback(last.turn_id, f"{thumb}: {reason}" if reason else thumb)
        out().print(f"noted: {one_line(judged.feedback or '')}")

    def _why(self, turn: str) -> None:
        from tierwise_app.render import print_record

        if not turn and self.thread is not None:
            print_record(out(), self.copilot.record.turns(self.thread)[-1])
        else:
            print_record(out(), self.copilot.record.get(turn or "last"))
