"""Whatever people do with threads, in whatever order, and wherever the program dies: nothing is lost or done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benches.faults.turn_judging import malformed
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from turn_world import PLANS, Told, World, decide_all, token_in, wait_for

from tierwise import Blocked, Copilot, DecisionRecord
from tierwise.errors import InvalidInput
from tierwise.runtime.running import RunningTurn

threads = st.sampled_from(["a", "b"])
who = st.integers(0, 1)
ends = st.sampled_from(["stop", "crash"])
plain = st.just((None, 0, "go on"))
writing = st.tuples(st.sampled_from(["model", "words"]), st.sampled_from([0, 0, 1, 3]), ends)
acting = st.tuples(st.sampled_from(["before effect", "after effect"]), st.just(0), ends)
cuts = st.one_of(plain, writing, acting)
"""Where a turn is held (after how many times that it comes there), and what becomes of it."""
plans = st.sampled_from(sorted(PLANS))
sends = st.one_of(
    st.tuples(plans, plain),
    st.tuples(plans, writing),
    st.tuples(st.sampled_from(["note", "all", "up note"]), acting),
)
shows = st.sampled_from(["never", "never", "first", "always"])


class Turns(RuleBasedStateMachine):
    """People at one home, with up to two copilots on it."""

    def __init__(self) -> None:
        super().__init__()
        self.world, self.told = World(), Told()
        self.tokens = 0
        self.kept_here: set[str] = set()
        self.locked: set[str] = set()
        self.judged = 0

    def teardown(self) -> None:
        self.world.drop()

    # -- asking --------------------------------------------------------------------------------------------------------

    @rule(thread=threads, what=sends, by=who, show=shows, lock=st.integers(0, 7))
    def send(self, thread: str, what: Any, by: int, show: str, lock: int) -> None:
        plan, cut = what
        asked = self._message(plan, locked=lock == 0 or thread in self.locked)
        copilot = self._copilot(by)
        self._run(lambda: copilot.start(asked, thread=thread, show_before_sending=show, lock=lock == 0), cut)  # type: ignore[arg-type]

    @rule(thread=threads, first=plans, second=plans, cut=cuts)
    def send_twice_at_once(self, thread: str, first: str, second: str, cut: Any) -> None:
        one, other = self._copilot(0), self._copilot(1)
        messages = [self._message(plan, locked=thread in self.locked) for plan in (first, second)]
        begun: list[RunningTurn] = []

        def begin() -> RunningTurn:
            begun.append(one.start(messages[0], thread=thread))
            while not (begun[0].turn_id or begun[0].over):
                begun[0].wait(0.01, after=0)
            begun.append(other.start(messages[1], thread=thread))
            while not (begun[1].turn_id or begun[1].over):
                begun[1].wait(0.01, after=0)
            return begun[0]

        self._run(begin, cut, beside=begun)

    @rule(by=who, which=st.integers(0, 50), tier=st.sampled_from(["auto", "quick", "deep"]), edit=st.booleans(),
          plan=plans, cut=cuts)  # fmt: skip
    def ask_again(self, by: int, which: int, tier: str, edit: bool, plan: str, cut: Any) -> None:
        old = [one for one in self._turns() if one.status not in ("running", "needs_approval")]
        old = [one for one in old if one.overruled is None]
        if not old or ((turn := old[which % len(old)]).locked and tier == "deep"):
            return
        locked = turn.locked or turn.thread in self.locked
        question = self._message(plan, locked=locked) if edit else None
        copilot = self._copilot(by)
        self._run(lambda: copilot.start_again(turn.turn_id, tier=tier, question=question), cut)

    # -- what waits, and what was left ---------------------------------------------------------------------------------

    @precondition(lambda self: self._parked("needs_approval"))
    @rule(by=who, which=st.integers(0, 9), allow=st.booleans(), on=st.booleans(), cut=cuts)
    def decide(self, by: int, which: int, allow: bool, on: bool, cut: Any) -> None:
        copilot, waiting = self._copilot(by), self._parked("needs_approval")
        turn = waiting[which % len(waiting)].turn_id
        decide_all(self.world, copilot, turn, allow=allow)
        if on:
            self._run(lambda: copilot.start_on(turn), cut)

    @precondition(lambda self: self._parked("needs_approval", "stopped"))
    @rule(by=who, which=st.integers(0, 9), cut=cuts)
    def go_on(self, by: int, which: int, cut: Any) -> None:
        copilot, parked = self._copilot(by), self._parked("needs_approval", "stopped")
        turn = parked[which % len(parked)].turn_id
        self._run(lambda: copilot.start_on(turn), cut)

    # -- threads and copilots ------------------------------------------------------------------------------------------

    @rule(thread=threads, what=st.sampled_from(["lock", "unlock", "delete", "come again", "crash"]))
    def keep_house(self, thread: str, what: str) -> None:
        if what == "come again":
            self.world.reopen()
        elif what == "crash":
            self.world.crash()
        elif what != "delete":
            self._lock(thread, what == "lock")
        elif thread in self.told.threads:
            self._copilot(0).record.delete_thread(thread)
            self.told.forget(thread)
            self.locked.discard(thread)

    @precondition(lambda self: self.told.threads)
    @rule()
    def end_all(self) -> None:
        """Everything that waits can be decided, everything that was left can go on, and nothing is left behind."""
        copilot = self._copilot(0)
        for thread in list(self.locked):  # what was asked before it was locked goes on only without the lock
            self._lock(thread, False)
        for _ in range(100):
            parked = self._parked("needs_approval", "stopped")
            if not parked:
                break
            decide_all(self.world, copilot, parked[0].turn_id, allow=False)
            self._run(lambda turn=parked[0].turn_id: copilot.start_on(turn), (None, 0, "go on"))  # type: ignore[misc]
        assert not self._parked("needs_approval", "stopped"), "a turn can neither go on nor end"
        for thread in list(self.told.threads):
            asked = self._message("plain", locked=thread in self.locked)
            turn = copilot.start(asked, thread=thread)
            wait_for(turn)
            self._hear(turn)
            assert turn.answer is not None
            assert turn.answer.status == "done", turn.answer.error
        if self.told.threads:
            assert self.world.checkpoints() == 0

    # -- what has to hold ----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        turns: dict[str, list[str]] = {}
        by_id = {turn.turn_id: turn for turn in self._turns()}
        for turn in by_id.values():
            turns.setdefault(turn.thread, []).append(turn.turn_id)
        assert turns == self.told.threads
        assert not [turn for turn in by_id.values() if turn.status == "running"]
        for turn_id, text in self.told.answers.items():
            assert (by_id[turn_id].status, by_id[turn_id].text) == ("done", text)
        for turn in by_id.values():
            if turn.status == "needs_approval":
                record = self._copilot(0).record
                assert (
                    record.waiting_calls(turn.turn_id) or record.waiting_outgoing(turn.turn_id) or self._decided(turn)
                )

    @invariant()
    def nothing_is_done_twice_or_said_wrongly(self) -> None:
        assert not [effect for effect, times in self.world.effects.items() if times > 1]
        effects = {(turn, name) for turn, name, _ in self.world.effects}
        assert self.told.done <= effects

    @invariant()
    def models_get_what_they_can_read(self) -> None:
        for tier, messages in self.world.requests[self.judged :]:
            assert malformed(messages) == []
            if tier == "deep":
                assert not self.kept_here & token_in(messages), "a locked message left"
        self.judged = len(self.world.requests)

    # -- how -----------------------------------------------------------------------------------------------------------

    def _lock(self, thread: str, locked: bool) -> None:
        self._copilot(0).record.lock_thread(thread, locked)
        (self.locked.add if locked else self.locked.discard)(thread)

    def _message(self, plan: str, *, locked: bool) -> str:
        self.tokens += 1
        token = f"x{self.tokens}x"
        if locked:
            self.kept_here.add(token)
        return f"{token} {plan}."

    def _copilot(self, number: int) -> Copilot:
        while len(self.world.copilots) <= number:
            self.world.open_another()
        return self.world.copilots[number]

    def _turns(self) -> list[DecisionRecord]:
        return self._copilot(0).record.records()

    def _parked(self, *statuses: str) -> list[DecisionRecord]:
        """Turns that can go on, one a thread."""
        record = self._copilot(0).record
        ids = [turn for thread in self.told.threads if (turn := record.parked_turn(thread)) is not None]
        return [turn for turn in map(record.get, ids) if turn.status in statuses]

    def _decided(self, turn: DecisionRecord) -> bool:
        """Whether a person has decided on all that the turn waited for, so that it only has to go on."""
        record = self._copilot(0).record
        calls = [entry.state in ("allowed", "denied") for entry in record.calls(turn.turn_id)]
        return any(calls) or bool(record.sendings(turn.turn_id))

    def _run(self, begin: Callable[[], RunningTurn], cut: Any, *, beside: list[RunningTurn] | None = None) -> None:
        """Run a turn to its end, or stop or crash it where it is held."""
        gate, (place, after, end) = self.world.gate, cut
        gate.shut(place, after)
        turn = begin()
        running = beside or [turn]
        while not (gate.reached or all(one.over for one in running)):
            turn.wait(0.002)
        if gate.reached and end == "stop":
            for one in running:
                one.stop()
                wait_for(one)
        if gate.reached and end == "crash":
            for one in running:
                self._hear(one)
            self.world.crash()
            return
        gate.open()
        for one in running:
            wait_for(one)
            self._hear(one)
            if isinstance(one.error, InvalidInput):
                continue  # it cannot go on: another message has taken its place
            if isinstance(one.error, Blocked) and one.thread in self.locked:
                continue  # it was asked before the lock
            assert one.error is None, repr(one.error)

    def _hear(self, turn: RunningTurn) -> None:
        for event in turn.events():
            self.told.hear(event)


Turns.TestCase.settings = settings(
    max_examples=settings.default.max_examples if settings.default.max_examples > 100 else 12,  # type: ignore[union-attr]
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestTurns = Turns.TestCase
