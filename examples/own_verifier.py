"""A verifier of your own: here an answer is good only if it is short enough for a display of 80 characters."""

from tierwise import Copilot, Draft, Reason, Tier, Verdict
from tierwise.testing import ScriptedModel

LIMIT = 80


class FitsTheDisplay:
    async def verify(self, draft: Draft, *, dial: str = "balanced") -> Verdict:
        length = len(draft.text)
        reason = Reason("length", f"{length} characters for a display of {LIMIT}", value=length, threshold=LIMIT)
        return Verdict("accept" if length <= LIMIT else "escalate", reasons=(reason,))


# Scripted models keep the example instant; any two tiers will do.
wordy = ScriptedModel(["Well, that is an interesting question, and there is a great deal to be said about it indeed."])
brief = ScriptedModel(["Yes."], on_device=False, host="api.example")

with Copilot([Tier("wordy", wordy), Tier("brief", brief)], verifier=FitsTheDisplay()) as copilot:
    answer = copilot.ask("Is the display large enough?")
    print(f"[{answer.tier}] {answer.text}")
    for attempt in answer.attempts:
        print(f"  {attempt.tier}: {attempt.outcome}; {attempt.reasons[0].text}")
