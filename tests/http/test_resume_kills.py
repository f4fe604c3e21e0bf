"""A server that is killed in the middle of turns: whoever serves next goes on with them, and no text is spliced."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from event_stream import Text, sent

PROGRAM = Path(__file__).with_name("killed_server.py")
THREADS = ("one", "two", "three")


@contextmanager
def program(home: Path, *halt: str) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(home), *halt], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        with httpx2.Client(base_url=url, timeout=60) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def begin(client: httpx2.Client, thread: str, question: str) -> str:
    told = client.post("/v1/turns", json={"question": question, "thread": thread, "background": True})
    assert told.status_code == 202, told.text
    return str(told.json()["turn_id"])


def watch(client: httpx2.Client, turn_id: str, text: Text, enough: threading.Event) -> None:
    """Follow a turn from where the client is, as a client does, until it ends or the connection breaks."""
    headers = {} if text.last_id is None else {"Last-Event-ID": text.last_id}
    try:
        with client.stream("GET", f"/v1/turns/{turn_id}/events", headers=headers) as response:
            for event in sent(response):
                text.take(event)
                if text.names.count("text.delta") > 12:
                    enough.set()
    except httpx2.HTTPError:
        return


def test_turns_of_a_server_that_was_killed_go_on_and_their_events_too(tmp_path: Path) -> None:
    texts: dict[str, Text] = {}
    with program(tmp_path, "halt") as (process, client):  # no turn is over before it is killed
        # Two turns of each thread: the second waits for the first.
        turns = {
            begin(client, thread, f"{word} of {thread}"): thread for thread in THREADS for word in ("First", "Then")
        }
        texts = {turn_id: Text() for turn_id in turns}
        firsts = list(turns)[::2]
        enough = {turn_id: threading.Event() for turn_id in turns}
        watching = [
            threading.Thread(target=watch, args=(client, turn_id, texts[turn_id], enough[turn_id])) for turn_id in turns
        ]
        for thread in watching:
            thread.start()
        for turn_id in firsts:
            assert enough[turn_id].wait(60), "the turn did not come so far"
        process.kill()
        for thread in watching:
            thread.join(60)
        assert all(texts[turn_id].answer is None for turn_id in firsts)

    with program(tmp_path) as (_, client):
        done: dict[str, Any] = {}
        for turn_id, text in texts.items():
            before = list(text.names)
            watch(client, turn_id, text, threading.Event())
            assert text.answer is not None, text.names
            record = client.get(f"/v1/turns/{turn_id}").json()
            done[turn_id] = record
            assert (record["status"], text.answer["text"]) == ("done", record["text"])
            assert text.shown == record["text"]
            assert "snapshot" in text.names[len(before) :]
            assert record["text"].split()[-1] == "word39"
            asked = record["asked"]
            assert record["text"].count(asked) == 1
        # Both questions of a thread are answered, in order, and the thread goes on.
        for thread in THREADS:
            listed = client.get(f"/v1/threads/{thread}").json()
            assert [turn["asked"] for turn in listed["page"]["data"]] == [f"Then of {thread}", f"First of {thread}"]
            more = client.post("/v1/turns", json={"question": "And now?", "thread": thread, "stream": False}).json()
            assert more["text"].startswith("6 messages; And now?")
