"""Chroma 1.5: what its native code does with damaged and busy folders."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings
from chromadb.utils.embedding_functions import ONNXMiniLM_L6_V2

Still = Callable[[bool, str], None]
SEARCH = """
import sys, chromadb, numpy
from chromadb.config import Settings
print("opening", flush=True)
client = chromadb.PersistentClient(sys.argv[1], settings=Settings(anonymized_telemetry=False))
client.get_collection("vectors", embedding_function=None).query(query_embeddings=numpy.ones((1, 8)), n_results=3)
"""
HOLD = """
import sqlite3, sys, time
busy = sqlite3.connect(sys.argv[1] + "/chroma.sqlite3", isolation_level=None)
busy.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(60)
"""


def client_at(folder: Path | str) -> Any:
    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose vectors are in the files of the index."""
    client = client_at(tmp_path / "chroma")
    configuration: Any = {"hnsw": {"sync_threshold": 20, "batch_size": 10}}
    collection = client.create_collection("vectors", embedding_function=None, configuration=configuration)
    numbers = np.random.default_rng(1)
    for n in range(3):
        collection.add(ids=[f"{n}-{i}" for i in range(40)], embeddings=numbers.normal(size=(40, 8)))
    client.close()
    return tmp_path / "chroma"


def test_a_zeroed_file_of_the_index_ends_the_process(folder: Path, still: Still) -> None:
    (links,) = folder.rglob("link_lists.bin")
    links.write_bytes(bytes(links.stat().st_size))
    ended = subprocess.run([sys.executable, "-c", SEARCH, str(folder)], capture_output=True, timeout=300, check=False)
    died = ended.returncode in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)
    still(died, "the check in a process of its own (knowledge/store/checking.py)")


@pytest.mark.skipif(sys.platform == "win32", reason="ends a process by a signal")
def test_a_folder_that_another_process_writes_to_is_waited_for_without_end(folder: Path, still: Still) -> None:
    """chroma-core/chroma#7040: about a quarter of an hour."""
    # Held by another process: this one loses its locks as soon as it closes the file anywhere, also in Chroma.
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        with subprocess.Popen([sys.executable, "-c", SEARCH, str(folder)], stdout=subprocess.PIPE) as waiting:
            assert waiting.stdout is not None
            waiting.stdout.readline()
            try:
                waiting.wait(2)
                gave_up = True
            except subprocess.TimeoutExpired:
                gave_up = False
            waiting.kill()
        busy.kill()
    still(not gave_up, "the lock of the folder and the limit on opening it (knowledge/store/folder.py, index.py)")


def test_a_failed_opening_is_kept_under_the_spelling_of_its_path(folder: Path, still: Still) -> None:
    database, aside = folder / "chroma.sqlite3", folder / "aside"
    database.rename(aside)
    database.write_bytes(b"not a database" * 1000)
    assert not opens(folder)
    aside.replace(database)
    assert opens(f"{folder}/./")
    still(not opens(folder), "the path that is spelt anew (knowledge/store/index.py, _spelt_anew)")


def opens(folder: Path | str) -> bool:
    try:
        client_at(folder).list_collections()
    except BaseException:  # a panic of native code is no Exception
        return False
    return True


def test_an_embedder_of_its_own_would_be_fetched_from_the_network(still: Still) -> None:
    fetches = ONNXMiniLM_L6_V2.MODEL_DOWNLOAD_URL.startswith("https://")
    still(fetches, "collections without an embedding function (knowledge/store/index.py)")
