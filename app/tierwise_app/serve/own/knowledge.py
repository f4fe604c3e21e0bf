"""``/v1/knowledge``: documents listed, added, removed and searched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse

from tierwise import to_json
from tierwise.errors import UnknownName
from tierwise.knowledge import Failure, IngestReport, Knowledge, Source
from tierwise_app.serve.discreet import shown
from tierwise_app.serve.own.knowledge_shapes import (
    CollectionName,
    Collections,
    FormOfDocuments,
    Found,
    Removed,
    Search,
    Sources,
)
from tierwise_app.serve.own.uploads import Documents, closing, read_sent
from tierwise_app.serve.parts import key_of
from tierwise_app.serve.problems import Problem

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])
_FORM = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FormOfDocuments}}}}
_Entry = Source | Failure
_ID = r"^src-[0-9a-f]{20}$"
_Path = Annotated[str, Query(min_length=1, max_length=4096, description="As the list of documents shows it.")]


@router.get("/collections", operation_id="list_collections", responses={200: {"model": Collections}})
async def list_collections(request: Request) -> JSONResponse:
    """All collections by name, and whether they are locked: a turn that reads from a locked one stays on the device."""
    documents = _documents(request)
    return _list(await documents.read(documents.knowledge.collections))


@router.get("/sources", operation_id="list_sources", responses={200: {"model": Sources}})
async def list_sources(
    request: Request,
    collection: Annotated[CollectionName | None, Query(description="Only this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[
        str | None, Query(pattern=r"^src-[0-9a-f]{20}$", description="The last id of the page before.")
    ] = None,
) -> JSONResponse:
    """The documents by collection and path, and those that could not be read."""
    documents = _documents(request)
    sources, failures = await documents.read(partial(_stored, documents.knowledge, collection))
    begin = 0
    if after is not None:
        begin = 1 + next((n for n, source in enumerate(sources) if _id(source) == after), len(sources))
    page = sources[begin : begin + limit]
    data = [{"id": _id(source), **shown(request, source)} for source in page]
    failed = [{"id": _id(failure), **_told(request, failure)} for failure in failures[:limit]] if after is None else []
    more = len(sources) > begin + len(page)
    return JSONResponse({"object": "list", "data": data, "failed": failed, "has_more": more})


@router.post("/sources", operation_id="add_sources", responses={200: {"model": IngestReport}}, openapi_extra=_FORM)
async def add_sources(request: Request) -> JSONResponse:
    """Send documents to be read into a collection, which is made if it is new.

    What a document is, its content tells; its name is a label, and never a place. A copy is kept as long as the
    document is among the sources. What cannot be read is a line of the report; if nothing can, the status is 422. A
    request that has arrived whole is worked on though its client leaves. A server that is told to end stops after the
    document in work: `stopped` is then true, and what the report does not list has to be sent again.
    """
    documents = _documents(request, write=True)
    with documents.place(), closing(await read_sent(request)) as sent:
        report = await documents.write(partial(documents.bring_in, sent))
    if report.failed and not (report.added or report.changed or report.unchanged):
        raise Problem(
            422, "unreadable", "None of the documents can be read.", about={"report": _report(request, report)}
        )
    return JSONResponse(_report(request, report))


@router.delete("/sources", operation_id="remove_sources_by_path", responses={200: {"model": Removed}})
async def remove_by_path(
    request: Request,
    path: _Path,
    collection: Annotated[CollectionName | None, Query(description="Only from this one.")] = None,
) -> JSONResponse:
    """Remove the documents of a path or address, which is only compared with those of the list."""
    return await _remove(request, lambda source: source.path == path, collection)


@router.delete("/sources/{source_id}", operation_id="remove_source", responses={200: {"model": Removed}})
async def remove_source(request: Request, source_id: str) -> JSONResponse:
    """Remove a document, and the copy kept of it. A file that the owner of this machine named stays where it is."""
    return await _remove(request, lambda source: _id(source) == source_id, None)


@router.post("/search", operation_id="search_documents", responses={200: {"model": Found}})
async def search_documents(request: Request, search: Search) -> JSONResponse:
    """The passages that fit a query best. No model is asked."""
    documents = _documents(request)
    only = search.only.filter if search.only is not None else None
    work = partial(documents.knowledge.search, search.query, k=search.k, collection=search.collection, only=only)
    passages = await documents.read(work)
    by_words = documents.knowledge.degraded is not None
    return JSONResponse({"object": "list", "data": shown(request, passages), "by_words_only": by_words})


def _documents(request: Request, *, write: bool = False) -> Documents:
    """The documents, if whoever asks may have them.

    Raises:
        Problem: 403 if not, 404 if there are none to be had.
    """
    key = key_of(request)
    if key is not None and (key.documents == "none" or (write and key.documents != "write")):
        what = "may not change documents" if key.documents == "read" else "has no documents"
        raise Problem(403, "not_allowed", f"This key {what}.", fix="Ask for one made with --documents.")
    found: Documents = request.app.state.documents
    if not isinstance(found.knowledge, Knowledge):
        raise Problem(404, "no_documents", "Documents come from elsewhere here, and cannot be listed or changed.")
    return found


async def _remove(request: Request, wanted: Callable[[_Entry], bool], collection: str | None) -> JSONResponse:
    documents = _documents(request, write=True)
    with documents.place():
        sources, failures = await documents.read(partial(_stored, documents.knowledge, collection))
        entries: list[_Entry] = [*sources, *failures]
        found = [(entry.collection, entry.path) for entry in entries if wanted(entry)]
        if not found:
            raise Problem(404, "unknown_source", "There is no such document.")
        try:
            count = await documents.write(partial(documents.remove, found))
        except UnknownName as error:  # somebody else was faster
            raise Problem(404, "unknown_source", "There is no such document any more.") from error
    return JSONResponse({"object": "sources.removed", "removed": count})


def _stored(knowledge: Knowledge, collection: str | None) -> tuple[list[Source], list[Failure]]:
    return knowledge.sources(collection), knowledge.failures(collection)


def _id(source: _Entry) -> str:
    name = "\0".join((source.collection, source.path)).encode()
    return f"src-{hashlib.sha256(name).hexdigest()[:20]}"


def _told(request: Request, failure: Failure) -> dict[str, Any]:
    return {name: value for name, value in shown(request, failure).items() if name != "original"}


def _report(request: Request, report: IngestReport) -> dict[str, Any]:
    told: dict[str, Any] = shown(request, report)
    for source in told["sources"]:
        source["original"] = None  # a library's own words, about this machine
        if source["status"] == "failed":
            source["path"] = PurePath(source["path"]).name  # it is not among the documents, so it has no place
    return told


def _list(values: Any) -> JSONResponse:
    return JSONResponse({"object": "list", "data": to_json(values)})
