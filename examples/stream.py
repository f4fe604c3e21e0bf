"""Watch a turn: every step is a typed event."""

from tierwise import Copilot
from tierwise.events import AnswerReady, AttemptDiscarded, DraftVerified, TextDelta, TierChosen, TurnFailed

with Copilot() as copilot:
    for event in copilot.stream("Explain in one sentence what a cache is."):
        match event:
            case TierChosen():
                print(f"-> {event.tier}: {'; '.join(reason.text for reason in event.reasons)}")
            case TextDelta():
                print(event.text, end="", flush=True)
            case AttemptDiscarded():
                print(f"\n-- draft {event.attempt} withdrawn: {event.why}")
            case DraftVerified():
                print(f"\n-> {event.verdict.outcome}, p(good) = {event.verdict.p_good}")
            case AnswerReady():
                print(f"-> answered by {event.answer.tier} in {event.answer.ms:.0f} ms")
            case TurnFailed():
                print(f"\n-> failed: {event.message}")
