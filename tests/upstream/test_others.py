"""Streamlit, llama-cpp-python, Python itself and its SQLite."""

from __future__ import annotations

import ipaddress
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

Still = Callable[[bool, str], None]
VOCABULARY = Path(__file__).parents[1] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"


def test_making_a_status_sleeps(still: Still, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit sleeps for 50 ms with each ``st.status`` that is drawn."""
    from streamlit.elements.lib import mutable_status_container
    from streamlit.testing.v1 import AppTest

    slept: list[float] = []
    monkeypatch.setattr(mutable_status_container.time, "sleep", slept.append)
    page = AppTest.from_string("import streamlit as st\nst.status('one', state='complete')", default_timeout=60).run()
    assert not page.exception
    still(bool(slept), "expanders in place of st.status (app/tierwise_app/web/chat/live.py)")


STREAM = """
import json, sys
from llama_cpp import Llama
model = Llama(sys.argv[1], n_ctx=64, n_threads=1, verbose=False, logits_all=True)
for wanted in (None, 1):
    parts = model.create_completion([1, int(sys.argv[2])], logprobs=wanted, max_tokens=5, temperature=0.0, stream=True)
    print(json.dumps("".join(part["choices"][0]["text"] for part in parts)))
"""


def test_a_character_of_several_tokens_is_lost_where_their_chances_are_wanted(tmp_path: Path, still: Still) -> None:
    """abetlen/llama-cpp-python#372: mended for plain streams, not for those with ``logprobs``."""
    from tierwise.testing.tiny_gguf import write_tiny_phi3

    hello, smile = 15043, (243, 162, 156, 133)  # "Hello", and the four bytes of one emoji
    follows = dict(zip((hello, *smile), (*smile, hello), strict=True))
    path = write_tiny_phi3(tmp_path / "emoji.gguf", VOCABULARY, follows=follows, layers=1)
    words = [sys.executable, "-c", STREAM, str(path), str(hello)]  # what crashes in there must not end the tests
    said = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True).stdout
    plain, told = map(json.loads, said.splitlines())
    assert plain.startswith("\U0001f642")
    still("\U0001f642" not in told, "decoding characters ourselves (models/local/answer.py)")


def is_taken_for_global(address: str) -> bool:
    return ipaddress.ip_address(address).is_global


@pytest.mark.parametrize("address", ["::127.0.0.1", "64:ff9b::7f00:1", "::ffff:0:127.0.0.1"])
def test_an_address_that_carries_this_machine_counts_as_global(address: str, still: Still) -> None:
    still(is_taken_for_global(address), "the blocks of addresses (tools/tierwise_tools/web/addresses.py)")


@pytest.mark.skipif(sys.version_info >= (3, 11, 10), reason="mended there (CVE-2024-4032)")
@pytest.mark.parametrize("address", ["192.0.0.192", "2002:7f00:1::"])
def test_a_block_that_is_not_for_the_internet_counts_as_global(address: str, still: Still) -> None:
    still(is_taken_for_global(address), "the blocks of addresses (tools/tierwise_tools/web/addresses.py)")


def test_switching_to_the_write_ahead_log_does_not_wait_for_others(tmp_path: Path, still: Still) -> None:
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path, isolation_level=None) as first:
        first.execute("CREATE TABLE a (b)")
        first.execute("BEGIN IMMEDIATE")
        second = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
        told: list[str] = []

        def switch() -> None:
            try:
                second.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                told.append(str(error))

        thread = threading.Thread(target=switch)
        thread.start()
        thread.join(15)
        at_once = not thread.is_alive()
        first.execute("COMMIT")
        thread.join()
        second.close()
    first.close()
    still(at_once and "locked" in "".join(told), "waiting for the switch ourselves (record/file/opening.py)")
