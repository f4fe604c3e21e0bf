"""Every line of the page about the server's own API does what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from serving import serving
from tool_steps import Outbox, calling, results

from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise_app.serve.app import make_app

PAGE = Path(__file__).parents[2] / "docs" / "server-api.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.S | re.M)


def play(request: ChatRequest) -> Step:
    if "ann" in request.messages[-1].content and not results(request):
        return calling(("send", {"to": "ann", "text": "hi"}))
    return Step("Paris.")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_lines_run() -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 5
    with serving([play], ["Paris, again."], tools=[Outbox().send]) as server:

        def asked(question: str) -> str:
            body = {"question": question, "stream": False}
            return str(server.client.post("/v1/turns", json=body).json()["turn_id"])

        env = {**os.environ, "TURN": asked("What?"), "WAITS": asked("Write to ann."), "NO_PROXY": "*"}
        for block in blocks:
            script = block.replace("http://127.0.0.1:8411", server.url).replace("curl ", "curl -sS --fail-with-body ")
            done = subprocess.run(
                ["bash", "-e", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
            assert done.stdout, script
        assert server.copilot.record.get(env["WAITS"]).status == "done"
        assert server.copilot.record.get(env["TURN"]).overruled == "escalate"


def test_every_route_and_field_is_on_the_page(tmp_path: Path) -> None:
    from tierwise import AsyncCopilot, Tier
    from tierwise.testing import ScriptedModel

    page = PAGE.read_text(encoding="utf-8")
    app = make_app(AsyncCopilot([Tier("quick", ScriptedModel([]))], home=tmp_path))
    document: dict[str, Any] = app.openapi()
    for path in document["paths"]:
        if path.startswith(("/v1/turns", "/v1/threads", "/v1/approvals", "/v1/knowledge")):
            shown = path.replace("{turn_id}", "(TURN|\\$TURN|\\$WAITS)").replace("{thread}", "THREAD")
            assert re.search(shown.replace("{source_id}", "ID") + r"[`?\s]", page), path
    schemas = document["components"]["schemas"]
    for body in ("TurnBody", "CallDecision", "SendingDecision", "ThreadBody"):
        for field in schemas[body]["properties"]:
            assert f"`{field}`" in page or f'"{field}"' in page, (body, field)
