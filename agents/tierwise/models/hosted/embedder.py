"""The embeddings endpoint of an OpenAI-compatible server as an :class:`~tierwise.models.base.Embedder`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import httpx2
import openai

from tierwise.config import EmbedderSettings
from tierwise.errors import ContextTooLong, ModelError, ModelTimeout, ServerError
from tierwise.models.hosted.client import Endpoint, bound
from tierwise.models.hosted.errors import Where, explain, no_protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CHARS = 2_000
"""Of one text; the rest is cut, as every embedder cuts. In English that fits the 512 tokens that many servers take."""

_SHORTEST = 200  # characters; a server that cannot take these takes nothing
_BATCH_TEXTS = 64
_BATCH_CHARS = 64_000
_CONNECT = 5.0  # seconds
_ANSWER = 60.0  # seconds for one batch
_LONGEST_WAIT = 5.0  # seconds; a server that wishes for more is not worth waiting for


class OpenAIEmbedder:
    """Embeds texts on a server: llama-server, Ollama, vLLM, the OpenAI API and the like.

    Every text that is embedded goes to the server: passages, questions, and the sentences of answers. So a copilot
    takes it only with ``on_device``.

    Args:
        model: what the server calls it.
        base_url: address of the API; ``None`` is the OpenAI API itself.
        api_key_env: variable that holds the key; see :class:`~tierwise.models.OpenAIChat`.
        dimension: length of a vector to ask for, for models that can be shortened; ``None`` takes the model's own.
        on_device: the owner says that the server runs on this machine and sends nothing on.

    Raises:
        ConfigError: if ``base_url`` is not an address.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str | None = None,
        dimension: int | None = None,
        on_device: bool = False,
    ) -> None:
        self._endpoint = Endpoint(model, name=f"openai:{model}", base_url=base_url, api_key_env=api_key_env)
        self._asked, self._known = dimension, dimension
        self._lock = threading.Lock()
        self._client: openai.OpenAI | None = None
        self._key = ""
        self.on_device = on_device

    @classmethod
    def from_settings(cls, settings: EmbedderSettings) -> OpenAIEmbedder:
        """The embedder of a ``[embedder]`` section."""
        return cls(
            settings.model.removeprefix("openai:"),
            base_url=settings.base_url,
            api_key_env=settings.api_key_env,
            dimension=settings.dimension,
            on_device=settings.on_device,
        )

    @property
    def host(self) -> str:
        """Where the texts go."""
        return self._endpoint.host

    @property
    def identity(self) -> str:
        """Host, model and dimension asked for; the same model elsewhere may have other weights."""
        return f"openai/{self._endpoint.host}/{self._endpoint.model}/{self._asked or 'own'}"

    @property
    def dimension(self) -> int:
        """Length of a vector; unless it is configured, the server is asked once.

        Raises:
            ModelError: if the server cannot be asked.
        """
        if self._known is None:
            self.embed(["dimension"])
        assert self._known is not None
        return self._known

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; shape ``(len(texts), dimension)``, rows of length 1.

        Texts are cut after 2,000 characters, and further if the server says that they are too long. A batch that fails
        in passing is sent once more.

        Raises:
            ModelError: if the server cannot be used, or answers with something else than vectors.
        """
        import numpy as np

        if not texts:
            return np.zeros((0, self._known or 0), np.float32)
        rows = [row for batch in _batches(texts) for row in self._embed(batch)]
        if len({len(row) for row in rows}) != 1 or (self._known is not None and len(rows[0]) != self._known):
            lengths = ", ".join(str(n) for n in sorted({len(row) for row in rows}))
            raise ServerError(
                f"{self.host} sent vectors of {lengths} numbers; {self._known or 'one length'} was expected.",
                fix="Correct the embedder's dimension or model.",
            )
        self._known = len(rows[0])
        vectors = np.asarray(rows, np.float32)
        lengths_of = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(vectors).all() or not lengths_of.all():
            raise ServerError(f"{self.host} sent vectors that are no directions.", fix="Check the embedding model.")
        unit: NDArray[np.float32] = vectors / lengths_of
        return unit

    def close(self) -> None:
        """Close the connections; safe to call twice, and the next use opens them again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _embed(self, batch: list[str]) -> list[list[float]]:
        try:
            return self._send(batch)
        except ContextTooLong:
            if len(batch) > 1:  # one by one, so that a text's vector does not depend on its neighbours
                return [row for text in batch for row in self._embed([text])]
            (text,) = batch
            if len(text) <= _SHORTEST:
                raise
            return self._embed([text[: len(text) // 2]])

    def _send(self, batch: list[str]) -> list[list[float]]:
        where = self._endpoint.where("embeddings")
        try:
            return self._request(batch, where)
        except ModelError as error:
            wait = error.retry_after if error.retry_after is not None else 0.3
            waited_already = isinstance(error, ModelTimeout) and not error.nothing_sent
            if not error.transient or waited_already or wait > _LONGEST_WAIT:
                raise
            time.sleep(wait)
        return self._request(batch, where)

    def _request(self, batch: list[str], where: Where) -> list[list[float]]:
        try:
            reply = self._opened(where).embeddings.create(
                model=self._endpoint.model, input=batch, dimensions=openai.omit if self._asked is None else self._asked
            )
            items = sorted(reply.data, key=lambda item: item.index)
            rows = [[float(number) for number in item.embedding] for item in items]
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, TypeError) as error:
            raise explain(error, where) from error
        except AttributeError as error:  # the client does not check what it is sent
            raise no_protocol(where, "sent no embeddings") from error
        if [item.index for item in items] != list(range(len(batch))):
            raise no_protocol(where, f"sent {len(items)} vectors for {len(batch)} texts")
        return rows

    def _opened(self, where: Where) -> openai.OpenAI:
        with self._lock:
            if self._client is None or self._key != where.key:
                if self._client is not None:
                    self._client.close()
                self._client, self._key = self._open(where), where.key
            return self._client

    def _open(self, where: Where) -> openai.OpenAI:
        http = httpx2.Client(
            timeout=httpx2.Timeout(_ANSWER, connect=_CONNECT),
            event_hooks={"response": [bound]},
            **self._endpoint.http_options(),
        )
        return openai.OpenAI(http_client=http, **self._endpoint.client_options(where))


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, cut, in batches that are bounded by count and by size; an empty text is sent as a space."""
    batch: list[str] = []
    size = 0
    for text in texts:
        # Halves of surrogate pairs cannot be sent, and many servers refuse an empty text.
        text = text[:MAX_CHARS].encode("utf-8", "replace").decode() or " "
        if batch and (len(batch) == _BATCH_TEXTS or size + len(text) > _BATCH_CHARS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    yield batch
