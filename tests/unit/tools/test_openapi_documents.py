"""What becomes of a document: readable tools with sound schemas, and a word about each operation that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_documents import document_of, large_document, written

from tierwise_tools import SourceError, Toolset, ToolSource
from tierwise_tools.openapi import ApiDocument, OpenApiSource, Operation, read_api
from tierwise_tools.openapi.naming import operation_names


async def opened(folder: Path, document: dict[str, Any], **settings: Any) -> Toolset:
    return await OpenApiSource(ApiDocument("big", written(folder, document), **settings)).open()


async def test_a_large_document_becomes_readable_tools(tmp_path: Path) -> None:
    found = await opened(tmp_path, large_document(220))
    names = [tool.name for tool in found]
    assert found.problems == () and len(names) >= 220
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert len(name) <= 64 and name.startswith("big_")
        words = name.split("_")
        if len(name) < 64:  # a hash ends only what was too long
            assert len(set(words)) == len(words), name
            assert not {"v1", ""} & set(words), name
    assert {"big_list_users", "big_replace_teams", "big_list_projects", "big_get_invoices_by_id"} <= set(names)
    for tool in found:
        jsonschema.Draft202012Validator.check_schema(tool.parameters)
        assert len(tool.description) <= 1_024


async def test_a_collision_is_renamed_and_what_only_answers_have_is_dropped(tmp_path: Path) -> None:
    found = {tool.name: tool for tool in await opened(tmp_path, large_document(20))}
    assert list(found["big_replace_users"].parameters["properties"])[:3] == ["id", "body_id", "name"]
    teams = found["big_replace_teams"].parameters
    assert list(teams["properties"])[:2] == ["id", "name"] and teams["required"] == ["id", "name"]
    assert "id" not in teams["$defs"]["team1"]["properties"]
    listing = found["big_list_users"].parameters
    assert listing["properties"] == {
        "page_size": {"type": "integer", "exclusiveMinimum": 0},
        "sort": {"type": ["string", "null"], "enum": ["asc", "desc", None]},
    }
    price = teams["properties"]["price"]
    assert price == {"anyOf": [{"type": "number"}, {"type": "string", "format": "decimal"}]}
    assert teams["properties"]["state"] == {"type": "string", "enum": ["on", "off"], "default": "on"}
    assert teams["properties"]["name"]["examples"] == ["a name"]


def test_a_source_is_a_tool_source_and_its_operations_can_be_looked_at(tmp_path: Path) -> None:
    document = ApiDocument("big", written(tmp_path, large_document(20)), include=("big_replace_users",))
    assert isinstance(OpenApiSource(document), ToolSource)
    (operation,) = read_api(document).operations
    assert isinstance(operation, Operation)
    assert (operation.method, operation.path) == ("PUT", "/api/v1/users/{id}")
    assert [str(field) for field in operation.fields][:3] == ["path id", "body id (as body_id)", "body name"]


@pytest.mark.parametrize(
    ("operations", "names"),
    [
        (["get /items/{item_id} read_item_items__item_id__get"], "read_item"),
        (
            ["get /users read_users_get", "get /items read_items_get", "get /items/{id} read_items__id__get"],
            "read_users read_items read_items_by_id",
        ),
        (["get /pets listPets", "get /pets/{petId} getHTTPStatusByID"], "list_pets get_http_status_by_id"),
        (["get /pets", "get /pets/{petId}", "post /v2/pets"], "get_pets get_pets_by_pet_id post_pets"),
        (["get /v1/pets", "get /v2/pets"], "get_v1_pets get_v2_pets"),
        (["get /a same", "get /b same", "post /b same"], "same_a get_same_b post_same_b"),
        (["get /", "get /宠物 宠物"], "get get_2"),
        (["get /a shop/list", "get /b shop_show"], "list show"),
        (["get /a Pets.ListPets", "get /b Pets.Show"], "list_pets pets_show"),
    ],
)
def test_names_are_short_as_long_as_they_differ(operations: list[str], names: str) -> None:
    named = [(method, path, id) for method, path, id in ((*text.split(), "")[:3] for text in operations)]
    assert list(operation_names("shop", named).values()) == [f"shop_{name}" for name in names.split()]


segments = st.lists(st.sampled_from(["pets", "{petId}", "v1", "a.b", "é", "{x}", "list"]), max_size=4)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["get", "put"]), segments.map(lambda parts: "/" + "/".join(parts)), st.text(max_size=90)
        ),
        unique_by=lambda named: named[:2],
    )
)
def test_every_operation_gets_a_name_of_its_own(operations: list[tuple[str, str, str]]) -> None:
    names = operation_names("my api", operations)
    assert list(names) == [operation[:2] for operation in operations]
    assert len({name.casefold() for name in names.values()}) == len(operations)
    assert all(len(name) <= 64 and name.startswith("my_api_") for name in names.values())


PETS = document_of(
    ("get", "/pets", {"operationId": "listPets", "tags": ["Pets"]}),
    ("post", "/pets", {"operationId": "addPet", "tags": ["Pets"]}),
    ("get", "/pets/{id}", {"operationId": "getPet", "tags": ["Pets"]}),
    ("get", "/pets/{id}/toys", {"operationId": "listToys", "tags": ["Toys"]}),
    ("delete", "/stores/{id}", {"operationId": "closeStore"}),
)


@pytest.mark.parametrize(
    ("include", "exclude", "names"),
    [
        ((), (), "list_pets add_pet get_pet list_toys close_store"),
        (("listPets",), (), "list_pets"),
        (("list*",), (), "list_pets list_toys"),
        (("get_pet", "big_close_store"), (), "get_pet close_store"),
        (("/pets",), (), "list_pets add_pet"),
        (("/pets/*",), (), "get_pet"),
        (("/pets/{id}",), (), "get_pet"),
        (("/pets/**",), (), "list_pets add_pet get_pet list_toys"),
        (("GET /pets/**",), (), "list_pets get_pet list_toys"),
        (("delete /**",), (), "close_store"),
        (("tag:pets",), (), "list_pets add_pet get_pet"),
        (("tag:*",), ("POST /**",), "list_pets get_pet list_toys"),
        ((), ("tag:Toys", "/stores/**"), "list_pets add_pet get_pet"),
    ],
)
async def test_choosing(include: tuple[str, ...], exclude: tuple[str, ...], names: str, tmp_path: Path) -> None:
    found = await opened(tmp_path, PETS, include=include, exclude=exclude)
    assert [tool.name for tool in found] == [f"big_{name}" for name in names.split()]


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("listPet", "listPets"),
        ("/pet/*", "/pets"),
        ("tag:Toy", "tag:Toys"),
        ("PATCH /pets", "/pets"),
        ("zzz", "listPets"),
    ],
)
@pytest.mark.parametrize("setting", ["include", "exclude"])
async def test_a_pattern_that_matches_nothing_names_what_is_near(
    pattern: str, near: str, setting: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="matches no operation of big") as caught:
        await opened(tmp_path, PETS, **{setting: (pattern,)})
    assert near in str(caught.value)


async def test_excluding_everything_leaves_nothing_to_use(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No operation of big"):
        await opened(tmp_path, PETS, exclude=("*",))


def body(schema: Any, media_type: str = "application/json") -> dict[str, Any]:
    return {"requestBody": {"content": {media_type: {"schema": schema}}}}


BAD: dict[str, tuple[Any, str]] = {
    "elsewhere": ({"parameters": [{"$ref": "https://example.org/x.json#/p"}]}, "another document"),
    "beside": ({"requestBody": {"$ref": "other.yaml#/body"}}, "another document"),
    "nowhere": ({"parameters": [{"$ref": "#/components/parameters/none"}]}, "not in the document"),
    "circle": ({"parameters": [{"$ref": "#/components/parameters/circle"}]}, "leads back to itself"),
    "schema_circle": (body({"$ref": "#/components/schemas/Loop"}), "leads back"),
    "anchor": ({"parameters": [{"name": "a", "in": "query", "schema": {"$ref": "#pet"}}]}, "only references like"),
    "place": ({"parameters": [{"name": "a", "in": "formData"}]}, "no place that is known"),
    "style": ({"parameters": [{"name": "a", "in": "query", "style": "matrix"}]}, "style"),
    "xml": (body({}, "application/xml"), "application/xml"),
    "type": ({"parameters": [{"name": "a", "in": "query", "schema": {"type": "file"}}]}, "no JSON Schema"),
    "list": ({"parameters": {"name": "a"}}, "its parameters are no list"),
    "schema": ({"parameters": [{"name": "a", "in": "query", "schema": "string"}]}, "a schema is no object"),
    "malformed": (body({"properties": {"a": {}}, "required": 3, "enum": 3}), "no JSON Schema"),
    "infinite": ({"parameters": [{"name": "a", "in": "query", "schema": {"maximum": float("inf")}}]}, "not finite"),
}  # fmt: skip


async def test_a_bad_operation_is_set_aside_by_name_and_the_rest_stay(tmp_path: Path) -> None:
    bad = [("get", f"/{name}", {**operation, "operationId": name}) for name, (operation, _) in BAD.items()]
    components = {"parameters": {"circle": {"$ref": "#/components/parameters/circle"}}}
    loop = {"Loop": {"$ref": "#/components/schemas/Loop"}}
    document = document_of(("get", "/good", {}), *bad, components={**components, "schemas": loop})
    document["paths"] |= {"/number": 3, "/inner": {"get": None}, "/far": {"$ref": "paths.yaml"}, "x-note": "no path"}
    path = tmp_path / "api.json"
    path.write_text(json.dumps(document).replace("Infinity", "1e999"))
    found = await OpenApiSource(ApiDocument("big", path)).open()
    problems = {problem.name: problem.text for problem in found.problems}
    assert [tool.name for tool in found] == ["big_get_good"]
    assert problems.keys() == {*(f"big_{name}" for name in BAD), "/number", "GET /inner", "/far"}
    for name, (_, why) in BAD.items():
        assert why in problems[f"big_{name}"], name


def places_in(value: Any, *above: Any) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in inside for place in ((*above, key), *places_in(part, *above, key))]


LARGE = json.dumps(large_document(10))
JUNK = (None, 3, -1.5, "x", "", [], {}, [None], ["x"], [[]], {"a": 1}, True, {"$ref": "#/paths"}, {"$ref": 3})


@given(
    st.lists(st.tuples(st.sampled_from(places_in(json.loads(LARGE))), st.sampled_from(JUNK)), min_size=1, max_size=3)
)
def test_however_a_document_is_broken_it_is_said_in_words(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    document = json.loads(LARGE)
    for place, junk in changes:
        holder = document
        for key in place[:-1]:
            holder = holder[key] if isinstance(holder, dict) and key in holder else {}
        if isinstance(holder, dict):
            holder[place[-1]] = junk
    path = written(tmp_path_factory.mktemp("broken"), document)
    try:
        api = read_api(ApiDocument("big", path))
    except SourceError as error:
        assert error.fix
    else:
        assert all(problem.name and "left out" in problem.text for problem in api.problems)


async def test_the_author_may_ask_for_more_care_and_not_for_less(tmp_path: Path) -> None:
    document = document_of(
        ("get", "/pay", {"x-openai-isConsequential": True}), ("post", "/say", {"x-openai-isConsequential": False})
    )
    pay, say = await opened(tmp_path, document)
    assert (pay.asks, say.asks) == ("always", "by_effect")
    assert say.effects == ("write", "network")
