"""An embeddings endpoint from the terminal: every command that embeds uses it, and an unfit one is wrong use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tierwise.testing import LoopbackServer, ScriptedModel

SECTION = '[embedder]\nmodel = "openai:small"\nbase_url = "{}"\non_device = true\n'


def test_documents_are_embedded_and_found_at_the_configured_server(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "lantern.txt").write_text("The lantern burns for forty hours.")
    with LoopbackServer(ScriptedModel([])) as server:
        cli.write_config(SECTION.format(server.url))
        assert cli("ingest", tmp_path / "lantern.txt", "--json").json["added"] == 1
        found = cli("search", "how long burns the lantern", "--json").json
        assert cli("sources", "rebuild").code == 0
        doctor = cli("doctor", "--json").json
    assert found[0]["text"] == "The lantern burns for forty hours."
    sent = [text for body in server.requests for text in body["input"]]
    assert sum("forty hours" in text for text in sent) == 1  # rebuilding embeds nothing anew
    assert "how long burns the lantern" in sent
    assert "small/own, 64 dimensions" in json.dumps(doctor)


def test_with_the_server_down_ingesting_says_so_and_goes_on_later(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "lantern.txt").write_text("The lantern burns for forty hours.")
    with LoopbackServer(ScriptedModel([])) as server:
        cli.write_config(SECTION.format("http://127.0.0.1:9/v1"))
        failed = cli("ingest", tmp_path / "lantern.txt")
        assert failed.code == 1
        assert "Nothing answers at 127.0.0.1:9" in failed.err
        cli.write_config(SECTION.format(server.url))
        assert cli("sources", "rebuild").code == 0
        assert cli("search", "lantern", "--json").json[0]["score"] > 0


def test_an_embedder_off_the_device_is_wrong_configuration(cli: Any) -> None:
    cli.write_config('[embedder]\nmodel = "openai:small"\n')
    ran = cli("search", "anything")
    assert ran.code == 2
    assert "on_device = true" in ran.err
