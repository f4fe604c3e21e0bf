"""A thread outlives the model it was begun on: its history is fitted to the window of the next one."""

from __future__ import annotations

from typing import Any

from tierwise.testing import ScriptedModel

SHORTENED = ("context_condensed", "context_cut")


def test_a_thread_goes_on_with_a_smaller_window_and_says_what_became_of_its_turns(copilots: Any) -> None:
    large = copilots(ScriptedModel(["The kettle is red."], context_window=8192, on_device=True, repeat=True))
    for n in range(6):
        answer = large.ask(f"Question {n}: " + "what colour is the kettle? " * 30, thread="kitchen")
        assert not [notice for notice in answer.notices if notice.code in SHORTENED]
    large.close()

    small = copilots(ScriptedModel(["Still red."], context_window=1024, on_device=True, repeat=True))
    answer = small.ask("And now?", thread="kitchen")

    cut = [notice for notice in answer.notices if notice.code in SHORTENED]
    assert answer.status == "done"
    assert cut and "1,024 tokens" in cut[0].text
    (request,) = small.model("quick").requests
    kept = [message.content for message in request.messages]
    assert all(f"Question {n}" in " ".join(kept) for n in range(2, 6))  # condensed, and there
    assert len(" ".join(kept).split()) < 768
    assert kept[-1].endswith("And now?")


def test_the_thread_keeps_what_the_smaller_model_could_not_read(copilots: Any) -> None:
    large = copilots(ScriptedModel(["It is red."], context_window=8192, on_device=True, repeat=True))
    for n in range(6):
        large.ask(f"Question {n}: " + "what colour is the kettle? " * 30, thread="kitchen")
    large.close()
    small = copilots(ScriptedModel(["Still red."], context_window=1024, on_device=True, repeat=True))
    small.ask("And now?", thread="kitchen")
    small.close()

    again = copilots(ScriptedModel(["Red."], context_window=8192, on_device=True, repeat=True))
    answer = again.ask("And in the end?", thread="kitchen")

    assert not [notice for notice in answer.notices if notice.code in SHORTENED]
    (request,) = again.model("quick").requests
    text = " ".join(message.content for message in request.messages)
    assert all(f"Question {n}" in text for n in range(6))
    assert "Still red." in text
