"""Files of every kind: read as JSON means it, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import SourceError
from tierwise_tools.openapi import ApiDocument, OpenApiSource
from tierwise_tools.openapi.reading import read_document

HEAD = "openapi: 3.1\nservers: [{url: 'http://127.0.0.1:9'}]\n"

PETS = (
    HEAD
    + """
info: {version: 2024-01-02}
paths:
  /pets:
    get:
      operationId: listPets
      parameters:
        - &limit {name: limit, in: query, schema: {type: integer, default: 010, maximum: 1e2}}
        - name: country
          in: query
          schema: {type: string, enum: [no, se, on, ~, 1:30, 2024-01-01]}
      responses: {200: {description: ok}}
    post:
      <<: {operationId: addPet}
      parameters: [*limit]
"""
)


async def test_yaml_means_what_json_would(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text(PETS)
    first, second = await OpenApiSource(ApiDocument("p", path)).open()
    country = first.parameters["properties"]["country"]
    assert country["enum"] == ["no", "se", "on", None, "1:30", "2024-01-01"]
    assert first.parameters["properties"]["limit"]["maximum"] == 100
    assert first.origin.version == "2024-01-02"
    assert second.name == "p_add_pet" and "limit" in second.parameters["properties"]


def bomb(levels: int) -> str:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(levels)]
    return "\n".join(lines)


def merge_bomb(levels: int) -> str:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n + 1}: &a{n + 1} {{<<: [{', '.join([f'*a{n}'] * 10)}]}}" for n in range(levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no OpenAPI document"),
        ("- 1", "no OpenAPI document"),
        ("swagger: '2.0'\npaths: {}", r"Swagger 2\.0, and only OpenAPI 3 is read.*Convert it"),
        ("openapi: 4.0.0\npaths: {}", r"says OpenAPI '4\.0\.0'"),
        ("title: x", "does not say openapi"),
        ("openapi: 3.0.0", "describes no paths"),
        ("{not json", "neither good JSON nor good YAML"),
        ("a: [", "neither good JSON nor good YAML"),
        ("a: !!python/object/apply:os.system [ls]", "neither good JSON nor good YAML"),
        ("a: !!timestamp 2024-01-01", "neither good JSON nor good YAML"),
        ("a: &a [*a]", "stands for itself"),
        (bomb(9), "multiply"),
        (merge_bomb(9), "multiply"),
        ("[" * 100_000, "nest|neither good"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("a: b\n---\na: b", "neither good JSON nor good YAML"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "api"
    path.write_text(text)
    with pytest.raises(SourceError, match=says):
        read_document(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read_document(tmp_path / "none.json")
    with pytest.raises(SourceError, match="cannot be read"):
        read_document(tmp_path)
    (tmp_path / "latin").write_bytes(b"a: \xe9")
    with pytest.raises(SourceError, match="not UTF-8"):
        read_document(tmp_path / "latin")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(SourceError, match="larger than 20 MB"):
        read_document(tmp_path / "large")


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_whatever_a_file_holds_it_is_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "api_of_noise"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with pytest.raises(SourceError):
        read_document(path)
