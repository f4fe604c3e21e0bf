"""``tierwise improve``: questions that a larger tier should have had, asked of it once that can be done."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tierwise.errors import Blocked, TierwiseError
from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.console import Stopped, confirm, err, out, print_json
from tierwise_app.deciding import decide_sending_on_terminal, has_person
from tierwise_app.render import marked_text, print_answer_end
from tierwise_app.text import clean, money, one_line, plural, size
from tierwise_app.waiting_calls import print_what_waits

if TYPE_CHECKING:
    from tierwise import Answer, Copilot
    from tierwise.runtime import Improvable

_LINE = 90


@dataclass
class _Round:
    """What came of a run: the answers so far, and why it ended before its end."""

    answers: list[Answer] = field(default_factory=list)
    ended: TierwiseError | None = None

    def better(self, plan: Sequence[Improvable]) -> int:
        """How many answers are those of the tier that was to be asked."""
        tiers = {one.tier for one in plan}
        return sum(answer.status == "done" and answer.tier in tiers for answer in self.answers)

    def exit_code(self, plan: Sequence[Improvable]) -> int:
        """As of ``ask``, of what matters most."""
        if self.ended is not None:
            return self.ended.exit_code
        states = {answer.status for answer in self.answers}
        waits = sum(answer.status == "needs_approval" for answer in self.answers)
        if "blocked" in states:
            return Blocked.exit_code
        if self.better(plan) + waits < len(self.answers):
            return 1
        return 3 if waits else 0


def improve(
    ctx: typer.Context,
    turns: Annotated[
        list[str] | None, typer.Argument(metavar="[TURN]...", help="Only these turns, also those that are left out.")
    ] = None,
    last: Annotated[int | None, typer.Option("--last", metavar="N", min=1, help="Only the newest N.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; questions go to your hosted tiers.")] = False,
    as_json: Json = False,
) -> None:
    """Ask again what a larger tier should have answered while it could not be asked: offline, without money, or down.

    Says first what would be asked, what it costs and what leaves this device. The better answer takes the place of the
    old one. Exit code: 0 done, 1 some failed, 3 some wait for you, 4 the money is spent or tierwise is offline.
    """
    with session(ctx).copilot() as copilot:
        _check_way_out(copilot)
        found = copilot.improvable(turns or None, last=last)
        plan = [one for one in found if one.against is None]
        left_out = [one for one in found if one.against is not None]
        if not as_json:
            _print_plan(plan, left_out)
        if plan and not yes:
            confirm(f"Ask {_them(plan)}?")
        done = _ask(copilot, plan, as_json=as_json) if plan else _Round()
        left = sum(copilot.record.get(one.turn_id).overruled is None for one in plan)
    if as_json:
        _print_json(done, left, left_out)
    elif plan:
        err().print(f"{plural(done.better(plan), 'answer')} improved, {left} left", style="dim")
        if done.ended is not None:
            err().print(clean(str(done.ended)), style="yellow")
    raise typer.Exit(done.exit_code(plan))


def _check_way_out(copilot: Copilot) -> None:
    settings = copilot.settings
    if settings.offline or settings.locked:
        state = "offline" if settings.offline else "locked"
        raise Blocked(f"tierwise is {state}: no larger tier can be asked now.", fix="Try again when it is not.")


def _ask(copilot: Copilot, plan: Sequence[Improvable], *, as_json: bool) -> _Round:
    """Ask them one after the other; Ctrl-C stops the one that runs, and what is done stays."""
    from tierwise_app.live import Status

    done, status, person = _Round(), Status(), has_person() and not as_json
    try:
        with closing(cast(Any, copilot.improve([one.turn_id for one in plan]))) as answers:
            status.show(f"asking 1 of {len(plan)} …")
            for n, answer in enumerate(answers, 2):
                status.clear()
                done.answers.append(_decided(copilot, answer) if person else answer)
                if not as_json:
                    _print_answer(copilot, done.answers[-1])
                status.show(f"asking {n} of {len(plan)} …" if n <= len(plan) else "")
    except KeyboardInterrupt:
        done.ended = Stopped("Stopped; what was improved is kept.")
    except TierwiseError as error:
        done.ended = error
    status.clear()
    return done


def _decided(copilot: Copilot, answer: Answer) -> Answer:
    """The answer after a person has seen what leaves, as long as there is something to see."""
    while answer.outgoing is not None and decide_sending_on_terminal(copilot, answer.outgoing):
        answer = copilot.go_on(answer.turn_id)
    return answer


def _print_plan(plan: Sequence[Improvable], left_out: Sequence[Improvable]) -> None:
    console = out()
    for one in left_out:
        console.print(f"left out {one.turn_id}: {one_line(one.asked, _LINE)}")
        console.print(f"  {clean(one.against or '')}", style="dim")
    if not plan:
        console.print("There is nothing to improve.")
        return
    for one in plan:
        console.print(f"{one.turn_id} in {one.thread}: {one_line(one.asked, _LINE)}")
        console.print(f"  {one.missed}: {clean(one.why)}", style="dim")
        console.print(f"  {_request(one)}", style="dim")
    hosts = ", ".join(dict.fromkeys(one.host for one in plan if one.host))
    prices = [one.usd for one in plan if one.usd is not None]
    cost = f"about {money(sum(prices))}" if len(prices) == len(plan) else "a cost that is not known"
    leaves = f"; {size(sum(one.bytes for one in plan))} leave this device for {hosts}" if hosts else ""
    console.print(f"{plural(len(plan), 'question')}, {cost}{leaves}")


def _request(one: Improvable) -> str:
    cost = "no price" if one.usd is None else f"about {money(one.usd)}"
    return f"would go to {one.tier}: {cost}, {size(one.bytes)} to {one.host}" if one.host else f"would go to {one.tier}"


def _them(plan: Sequence[Improvable]) -> str:
    return "it" if len(plan) == 1 else f"these {len(plan)}"


def _print_answer(copilot: Copilot, answer: Answer) -> None:
    console = out()
    console.print(f"\n> {one_line(copilot.record.get(answer.turn_id).asked, 300)}", style="bold")
    if answer.status == "needs_approval":
        print_what_waits(console, answer)
    elif answer.status == "done":
        console.print(marked_text(answer))
        print_answer_end(console, answer)
    else:
        err().print(f"{answer.status}: {clean(answer.error or '')}", style="red")


def _print_json(done: _Round, left: int, left_out: Sequence[Improvable]) -> None:
    value: dict[str, Any] = {
        "answers": to_json(done.answers),
        "left": left,
        "left_out": [{"turn_id": one.turn_id, "asked": one.asked, "why": one.against} for one in left_out],
    }
    if done.ended is not None:
        value["error"] = {"code": done.ended.code, "message": str(done.ended)}
    print_json(value)
