"""Operations of an API that is really served: what is sent, what comes back, and what the key is kept from."""

from __future__ import annotations

import json
import logging
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from openapi_documents import PNG, document_of, served, shop, written

from tierwise_tools import ToolContext, ToolError
from tierwise_tools.openapi import ApiDocument, OpenApiSource
from tierwise_tools.toolset import AnyTool

KEY = "s3cret-key"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return shop()


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    with served(app) as address:
        yield address


@pytest.fixture
async def tools(url: str, tmp_path: Path) -> dict[str, AnyTool]:
    with urllib.request.urlopen(f"{url}/openapi.json") as answer:
        (tmp_path / "shop.json").write_bytes(answer.read())
    return await opened(ApiDocument("shop", tmp_path / "shop.json", base_url=url))


async def opened(document: ApiDocument) -> dict[str, AnyTool]:
    found = await OpenApiSource(document).open()
    assert found.problems == ()
    return {tool.name.removeprefix(f"{document.name}_"): tool for tool in found}


async def told(tool: AnyTool, **arguments: Any) -> Any:
    return json.loads((await tool.run(arguments)).text)


async def refused(tool: AnyTool, **arguments: Any) -> str:
    with pytest.raises(ToolError) as caught:
        await tool.run(arguments)
    return str(caught.value)


async def test_parameters_go_where_they_belong(tools: dict[str, AnyTool]) -> None:
    assert await told(tools["read_item"], item_id="a b?c#d&é", tag=["x,y", "z"], full=True) == {
        "item_id": "a b?c#d&é",
        "tag": ["x,y", "z"],
        "full": True,
    }
    assert await told(tools["read_item"], item_id="7", tag=None) == {"item_id": "7", "tag": None, "full": False}
    order = {"count": 2, "note": "größer", "x-trace": "t1"}
    assert await told(tools["place_order"], **order) == {"count": 2, "note": "größer", "trace": "t1"}
    assert await told(tools["send_form"], name="a b&c=d") == {"name": "a b&c=d", "age": 3}


async def test_a_path_and_a_body_parameter_of_one_name_both_arrive(tools: dict[str, AnyTool]) -> None:
    assert list(tools["replace_item"].parameters["properties"])[:3] == ["id", "body_id", "name"]
    inner = {"id": 5, "name": "part", "tags": [], "kind": "book"}
    sent = await told(tools["replace_item"], id=3, body_id=4, name="n", part_of=inner)
    assert sent["path"] == 3
    assert sent["item"] == {"id": 4, "name": "n", "tags": [], "kind": "book", "part_of": inner}


async def test_arguments_that_do_not_fit_are_not_sent(app: FastAPI, tools: dict[str, AnyTool]) -> None:
    app.state.sent.clear()
    wrong = {"id": 1, "body_id": 1, "name": "n"}
    assert "kind: 'war' is not one of" in await refused(tools["replace_item"], **wrong, kind="war")
    assert "'x-trace' is a required property" in await refused(tools["place_order"], count=1, note="n")
    assert "is not one of its properties" in await refused(tools["read_item"], item_id="1", Authorization="mine")
    assert app.state.sent == []


async def test_what_a_call_does_follows_from_its_method(tools: dict[str, AnyTool]) -> None:
    assert tools["read_item"].effects == ("read", "network")
    assert tools["replace_item"].effects == tools["remove_item"].effects == ("write", "network")
    assert tools["read_item"].repeatable
    assert not any(tools[name].repeatable for name in ("replace_item", "remove_item", "place_order"))
    assert not any(tool.trusted for tool in tools.values())
    assert str(tools["read_item"].origin) == "openapi shop 1.2.3"
    assert tools["read_item"].description == "Read one item."


async def test_errors_say_what_the_server_said_and_what_to_do(tools: dict[str, AnyTool]) -> None:
    missing = await refused(tools["read_item"], item_id="none")
    assert missing.startswith("GET /items/{item_id} answered 404 Not Found")
    assert "there is no such item" in missing and "Check the ids" in missing
    assert "3 is odd" in (odd := await refused(tools["strict"], even="3")) and "Correct the arguments" in odd
    assert "key_env" in await refused(tools["by_header"])


async def test_redirects_are_followed_below_the_base_only(tools: dict[str, AnyTool], url: str, app: FastAPI) -> None:
    assert await told(tools["moved"]) == {"item_id": "7", "tag": None, "full": True}
    away = await refused(tools["away"])
    assert "points to http://127.0.0.1:9/elsewhere, which is not below it" in away and "token" not in away
    assert "more than 3 times" in await refused(tools["circle"])
    app.state.sent.clear()
    assert "only a GET follows" in await refused(tools["moved_order"])
    assert [method for method, *_ in app.state.sent] == ["POST"]


async def test_time_and_size_have_an_end(tools: dict[str, AnyTool], tmp_path: Path, url: str) -> None:
    hasty = await opened(ApiDocument("shop", tmp_path / "shop.json", base_url=url, include=("slow",), seconds=0.3))
    assert await refused(hasty["slow"]) == "shop_slow did not finish within 0.3 seconds"
    for name in ("big", "bomb"):
        roomy = tools[name].but(bounds=type(tools[name].bounds)(characters=10_000_000))
        text = (await roomy.run({})).text
        assert 2_000_000 < len(text) < 2_000_200
        assert text.endswith("(cut: the answer is larger than 2,000,000 bytes)")
    assert len((await tools["big"].run({})).text) < 8_100


async def test_files_are_kept_if_they_are_what_they_say(tools: dict[str, AnyTool], tmp_path: Path) -> None:
    context = ToolContext(folder=tmp_path / "kept")
    first, second = [await tools["picture"].run({}, context) for _ in range(2)]
    assert [file.path.name for file in (*first.files, *second.files)] == ["shop_picture.png", "shop_picture_2.png"]
    assert first.files[0].mime == "image/png"
    assert first.files[0].path.read_bytes() == PNG
    assert stat.S_IMODE(first.files[0].path.stat().st_mode) == 0o600
    nowhere = await tools["picture"].run({})
    assert nowhere.files == () and f"{len(PNG)} bytes of image/png" in nowhere.text
    lie = await tools["lie"].run({}, context)
    assert lie.files == () and "script" not in lie.text


async def test_nothing_returned_is_told(tools: dict[str, AnyTool]) -> None:
    assert (
        await tools["remove_item"].run({"item_id": 1})
    ).text == "204 No Content: it worked, and nothing was returned"


@pytest.mark.parametrize("name", ["by_header", "by_query"])
async def test_the_key_goes_to_the_server_and_nowhere_else(
    name: str,
    tools: dict[str, AnyTool],
    tmp_path: Path,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    keyed = await opened(ApiDocument("shop", tmp_path / "shop.json", base_url=url, key_env="SHOP_KEY"))
    assert "SHOP_KEY holds no key" in await refused(keyed[name])
    monkeypatch.setenv("SHOP_KEY", f"{KEY}\n")
    answer = (await keyed[name].run({})).text
    assert '"echo":"[hidden]"' in answer and KEY not in answer
    monkeypatch.setenv("SHOP_KEY", "wrong/key+1")
    if name == "by_header":
        rejected = await refused(keyed[name])
        assert "the key [hidden] is wrong" in rejected and "SHOP_KEY does not allow this" in rejected
    else:
        assert await told(keyed[name], page=2) == {"echo": "[hidden]", "page": 2}
    assert await told(keyed["moved"])  # an operation that takes none is called without
    assert "HTTP Request" in caplog.text
    assert KEY not in caplog.text and "wrong" not in caplog.text
    monkeypatch.setenv("SHOP_KEY", "elsewhere")
    assert "points to http://127.0.0.1:9/[hidden]" in await refused(keyed["away"])
    assert KEY not in repr(keyed[name]) + str(keyed[name].parameters) + keyed[name].description


SCHEMES = {
    "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "Basic"},
    "oauth": {"type": "oauth2", "flows": {}},
    "openid": {"type": "openIdConnect", "openIdConnectUrl": "https://example.org/"},
    "mutual": {"type": "mutualTLS"},
}


@pytest.mark.parametrize(
    ("security", "header", "value"),
    [
        ([{"header": []}], "x-key", "user:pass word"),
        ([{"cookie": []}], "cookie", "lang=de; session=user:pass word"),
        ([{"bearer": []}], "authorization", "Bearer user:pass word"),
        ([{"basic": []}], "authorization", "Basic dXNlcjpwYXNzIHdvcmQ="),
        ([{"mutual": []}, {"header": [], "basic": []}, {"oauth": ["read"]}], "authorization", "Bearer user:pass word"),
        ([{}, {"openid": []}], "authorization", "Bearer user:pass word"),
        ([], "authorization", None),
        ([{}], "authorization", None),
        (None, "x-key", "user:pass word"),  # the document forgot to say where its schemes apply: the first one does
    ],
)
async def test_the_key_goes_where_the_document_says(
    security: Any,
    header: str,
    value: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    app: FastAPI,
    url: str,
) -> None:
    operation: dict[str, Any] = {"operationId": "read", "parameters": [{"name": "lang", "in": "cookie"}]}
    if security is not None:
        operation["security"] = security
    document = document_of(("get", "/strict", operation), components={"securitySchemes": SCHEMES})
    tool = (await opened(ApiDocument("a", written(tmp_path, document), base_url=url, key_env="A_KEY")))["read"]
    monkeypatch.setenv("A_KEY", "user:pass word")
    assert "pass word" not in await refused(tool, lang="de")
    assert app.state.sent[-1][2].get(header) == value


async def test_one_key_cannot_stand_for_two(tmp_path: Path) -> None:
    one = {"operationId": "one", "security": [{"header": [], "basic": []}]}
    document = document_of(
        ("get", "/one", one), ("get", "/two", {"security": []}), components={"securitySchemes": SCHEMES}
    )
    found = await OpenApiSource(ApiDocument("a", written(tmp_path, document))).open()
    assert [tool.name for tool in found] == ["a_get_two"]
    assert "needs header and basic" in found.problems[0].text


async def test_a_key_that_cannot_be_sent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    path = written(tmp_path, document_of(("get", "/strict", {})))
    tool = (await opened(ApiDocument("a", path, base_url=url, key_env="A_KEY")))["get_strict"]
    monkeypatch.setenv("A_KEY", "two\r\nX-Evil: lines")
    text = await refused(tool)
    assert "A_KEY has characters that cannot be sent" in text and "Evil" not in text


async def test_what_runs_on_this_machine_is_not_asked_for_through_a_proxy(
    tools: dict[str, AnyTool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await told(tools["moved"])


async def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    document = document_of(("get", "/pets", {}))  # nothing listens on port 9
    tool = (await opened(ApiDocument("a", written(tmp_path, document))))["get_pets"]
    assert (await refused(tool)).startswith("http://127.0.0.1:9/api could not be reached")


async def test_texts_are_sent_as_files_and_tables_are_read_and_kept(tools: dict[str, AnyTool], tmp_path: Path) -> None:
    assert "as text" in tools["upload"].parameters["properties"]["file"]["description"]
    sent = await told(tools["upload"], note="né", file="line 1\nline 2", more=["x", "y"])
    assert sent == {"note": "né", "name": "file.txt", "text": "line 1\nline 2", "more": 2}
    result = await tools["table"].run({}, ToolContext(folder=tmp_path / "kept"))
    assert result.text == "a,b\n1,2\n"
    assert [file.mime for file in result.files] == ["text/csv"]
