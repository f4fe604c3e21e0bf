"""The list of models: the wishes and the tiers, with what a program has to know of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from serving import Server, running, serving

from tierwise import AsyncCopilot, Price, Settings, Tier
from tierwise.errors import ConfigError
from tierwise.serve_settings import ServeSettings
from tierwise.testing import ScriptedModel
from tierwise_app.serve.app import make_app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    tiers = [
        Tier("small", ScriptedModel(["One."], context_window=2048, repeat=True)),
        Tier("missing", "llama:/srv/models/none-such.gguf"),
        Tier("large", ScriptedModel(["Two."], on_device=False, host="a.invalid", repeat=True), price=Price(2.5, 10)),
    ]
    with running(AsyncCopilot(tiers, settings=Settings(home=home))) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
        yield client


def test_every_model_of_the_list_can_be_asked_for(server: Server, client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["auto", "quick", "deep", "small", "missing", "large"]
    answers = {}
    for name in set(names) - {"missing", "deep", "large"}:
        answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Count."}])
        answers[name] = answer.model
    assert answers == {"auto": "small", "quick": "small", "small": "small"}
    answer = client.chat.completions.create(model="deep", messages=[{"role": "user", "content": "Count."}])
    assert answer.model == "large"


def test_a_model_tells_where_it_runs_and_what_it_costs(server: Server, client: openai.OpenAI) -> None:
    facts = {model.id: model.tierwise for model in client.models.list()}  # type: ignore[attr-defined]
    assert facts["small"] == {"tiers": ["small"], "on_device": True, "context_window": 2048, "price": None}
    assert facts["large"]["on_device"] is False
    assert facts["large"]["price"] == {"input": 2.5, "output": 10.0}
    assert facts["auto"]["tiers"] == ["small", "missing", "large"]
    assert facts["auto"]["on_device"] is None
    assert facts["missing"]["context_window"] is None
    assert facts["deep"]["tiers"] == ["large"]
    assert "/srv/models" not in server.client.get("/v1/models").text


def test_one_model_by_its_name(client: openai.OpenAI) -> None:
    model = client.models.retrieve("large")
    assert (model.id, model.object, model.owned_by) == ("large", "model", "tierwise")
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4o")
    assert caught.value.code == "model_not_found"


def test_a_program_whose_model_cannot_be_set_gets_a_name_for_it(own_home: Path) -> None:
    serve = ServeSettings(models={"gpt-4o": "auto", "vendor/large:1": "quick"})
    with serving(home=own_home, serve=serve) as server:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
            assert [model.id for model in client.models.list()] == ["auto", "quick", "deep", *serve.models]
            assert client.models.retrieve("gpt-4o").id == "gpt-4o"
            messages = [{"role": "user", "content": "Count."}]
            assert client.chat.completions.create(model="gpt-4o", messages=messages).model == "quick"  # type: ignore[arg-type]
            assert client.responses.create(model="vendor/large:1", input="Count.").model == "quick"
        assert [turn.requested_tier for turn in server.copilot.record.records()] == ["auto", "quick"]


async def test_a_name_that_means_nothing_is_said_at_the_start(own_home: Path) -> None:
    settings = Settings(home=own_home, serve=ServeSettings(models={"gpt-4o": "none"}))
    async with AsyncCopilot([Tier("small", ScriptedModel(["One."]))], settings=settings) as copilot:
        with pytest.raises(ConfigError, match="'gpt-4o' means 'none', which there is not"):
            make_app(copilot)
