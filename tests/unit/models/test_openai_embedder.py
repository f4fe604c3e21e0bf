"""The embeddings endpoint as an Embedder, over real HTTP on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from tierwise import errors
from tierwise.models import Embedder, OpenAIEmbedder
from tierwise.testing import Fault, LoopbackServer, ScriptedModel
from tierwise.testing.loopback_embeddings import WordVectors


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(ScriptedModel([])) as running:
        yield running


@pytest.fixture
def embedder(server: LoopbackServer) -> Iterator[OpenAIEmbedder]:
    made = OpenAIEmbedder("small", base_url=server.url, on_device=True)
    yield made
    made.close()


def test_vectors_are_unit_float32_in_order(server: LoopbackServer, embedder: OpenAIEmbedder) -> None:
    texts = [f"text number {n} about {'cats' if n % 2 else 'dogs'}" for n in range(150)]
    vectors = embedder.embed(texts)
    assert isinstance(embedder, Embedder)
    assert (vectors.shape, vectors.dtype) == ((150, 64), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(vectors[7], embedder.embed([texts[7]])[0], atol=1e-6)
    assert [len(body["input"]) for body in server.requests] == [64, 64, 22, 1], "batches are bounded"
    assert server.paths[0] == "/v1/embeddings"


def test_batches_are_bounded_by_size_and_texts_are_cut(server: LoopbackServer, embedder: OpenAIEmbedder) -> None:
    embedder.embed(["x" * 100_000] * 50)
    assert {len(text) for body in server.requests for text in body["input"]} == {2000}
    assert [len(body["input"]) for body in server.requests] == [32, 18]


def test_texts_that_are_too_long_for_the_server_are_cut_one_by_one() -> None:
    class Narrow(WordVectors):
        def embed(self, texts: Sequence[str]) -> Any:
            if max(map(len, texts)) > 600:
                raise errors.ContextTooLong("input is too large to process")
            return super().embed(texts)

    short, long = "cats and dogs", "cats " + "\u732b" * 1990
    with LoopbackServer(ScriptedModel([]), embedder=Narrow()) as server:
        embedder = OpenAIEmbedder("small", base_url=server.url)
        together = embedder.embed([short, long])
        np.testing.assert_array_equal(together[0], embedder.embed([short])[0])
        np.testing.assert_array_equal(together[1], embedder.embed([long[:498]])[0])
        embedder.close()


def test_odd_texts_do_no_harm(embedder: OpenAIEmbedder) -> None:
    assert embedder.embed(["", "half \ud83d", "\0"]).shape == (3, 64)
    assert embedder.embed([]).shape == (0, 64)


def test_the_dimension_is_configured_or_learned(server: LoopbackServer) -> None:
    learned = OpenAIEmbedder("small", base_url=server.url)
    asked = OpenAIEmbedder("small", base_url=server.url, dimension=16)
    assert asked.dimension == 16
    assert server.requests == [], "what is configured need not be asked for"
    assert learned.dimension == 64
    assert asked.embed(["a"]).shape == (1, 16)
    assert [body.get("dimensions") for body in server.requests] == [None, 16]
    assert learned.identity != asked.identity
    assert learned.host in learned.identity
    learned.close()
    asked.close()


def test_results_are_put_in_order_by_index(server: LoopbackServer, embedder: OpenAIEmbedder) -> None:
    items = [{"index": n, "embedding": [float(n == 0), float(n == 1)]} for n in (1, 0)]
    server.faults.append(Fault(200, json.dumps({"data": items})))
    assert embedder.embed(["a", "b"]).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_failure_in_passing_is_tried_once_more(server: LoopbackServer, embedder: OpenAIEmbedder) -> None:
    server.faults += [Fault(503)]
    assert embedder.embed(["a"]).shape == (1, 64)
    server.faults += [Fault(200, "{}", cut=1)]
    assert embedder.embed(["a"]).shape == (1, 64)
    server.faults += [Fault(503), Fault(503), Fault(503)]
    with pytest.raises(errors.ServerError, match=r"failed \(503\)"):
        embedder.embed(["a"])
    assert len(server.faults) == 1


BODIES = {
    "no vectors": ({"data": []}, "not the OpenAI protocol"),
    "one missing": ({"data": [{"index": 1, "embedding": [1.0]}]}, "sent 1 vectors for 2 texts"),
    "other JSON": ({"hello": 1}, "not the OpenAI protocol"),
    "a list": ([1, 2], "sent no embeddings"),
    "words": ({"data": [{"index": n, "embedding": ["x"]} for n in (0, 1)]}, "not the OpenAI protocol"),
    "zeros": ({"data": [{"index": n, "embedding": [0.0, 0.0]} for n in (0, 1)]}, "no directions"),
    "two lengths": ({"data": [{"index": n, "embedding": [1.0] * (n + 1)} for n in (0, 1)]}, "vectors of 1, 2 numbers"),
}


@pytest.mark.parametrize(("body", "says"), BODIES.values(), ids=BODIES.keys())
def test_answers_that_are_no_vectors(server: LoopbackServer, embedder: OpenAIEmbedder, body: object, says: str) -> None:
    server.faults += [Fault(200, json.dumps(body))] * 2
    with pytest.raises(errors.ServerError, match=says):
        embedder.embed(["a", "b"])


def test_failures_are_plain_sentences(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-test-0123456789abcdefghij"
    monkeypatch.setenv("EMBED_KEY", key)
    embedder = OpenAIEmbedder("small", base_url=server.url, api_key_env="EMBED_KEY")
    server.faults.append(Fault(401, json.dumps({"error": {"message": f"wrong key {key}"}})))
    with pytest.raises(errors.AuthError, match="Set EMBED_KEY to a valid key") as caught:
        embedder.embed(["a"])
    assert key not in str(caught.value)
    server.faults.append(Fault(404, "{}"))
    with pytest.raises(errors.ModelNotFound, match="'small'"):
        embedder.embed(["a"])
    monkeypatch.delenv("EMBED_KEY")
    with pytest.raises(errors.AuthError, match="EMBED_KEY is not set"):
        embedder.embed(["a"])
    embedder.close()
    with pytest.raises(errors.Unreachable, match="Nothing answers"):
        OpenAIEmbedder("small", base_url="http://127.0.0.1:9/v1").embed(["a"])
