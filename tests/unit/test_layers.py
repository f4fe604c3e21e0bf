"""Imports point down, siblings keep apart, and importing tierwise stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {"tierwise_tools": ROOT / "tools", "tierwise": ROOT / "agents", "tierwise_app": ROOT / "app"}
HEAVY = ("langgraph", "chromadb", "openai", "llama_cpp", "streamlit", "onnxruntime", "numpy", "pydantic")

LAYER = {
    "tierwise_tools": 0,
    # the vocabulary: these may use each other
    **dict.fromkeys(("types", "turns", "events", "errors", "config", "redact", "signals", "jsonable", "home"), 1),
    **dict.fromkeys(
        (
            "callers",
            "connector_settings",
            "damage",
            "locks",
            "outgoing",
            "retrieval",
            "serve_settings",
            "storage",
            "sums",
            "textfile",
            "tool_settings",
            "wish",
            "words",
        ),
        1,
    ),
    "fitting": 1.5,  # statistics that know nothing of models
    **dict.fromkeys(("models", "knowledge", "routing", "verify", "guards", "record"), 2),
    "graph": 3,
    **dict.fromkeys(("runtime", "testing"), 4),
    "tierwise_app": 5,
}
# Within tierwise.models a part imports its own kind and what stands before it; the last two do not know each other.
MODELS = (
    ("base", "mending", "stops", "gguf", "memory", "tool_text"),
    ("schemas", "store"),
    ("device", "tools"),
    ("local", "hosted"),
)
# The one place of the code where each outside library is touched.
TOUCHED_IN = {
    "aiosqlite": ("tierwise.graph",),
    "charset_normalizer": ("tierwise.knowledge.reading",),
    "chromadb": ("tierwise.knowledge.store",),
    "docx": ("tierwise.knowledge.reading",),
    "duckdb": ("tierwise_tools.tables",),
    "fastapi": ("tierwise_app.serve",),
    "h11": ("tierwise_app.serve",),
    "httpx2": (
        "tierwise.models.hosted",
        "tierwise.models.store",
        "tierwise_tools.mcp",
        "tierwise_tools.openapi",
        "tierwise_tools.web",
    ),
    "jinja2": ("tierwise.models.local",),
    "jsonschema": ("tierwise.models.schemas", "tierwise_tools.schema_check"),
    "langchain_core": ("tierwise.graph",),
    "langgraph": ("tierwise.graph",),
    "langsmith": ("tierwise.graph",),
    "llama_cpp": ("tierwise.models.local",),
    "mcp": ("tierwise_tools.mcp",),
    "matplotlib": ("tierwise_app",),
    "llguidance": ("tierwise.models.local", "tierwise.models.schemas"),
    "onnxruntime": ("tierwise.models",),
    "openai": ("tierwise.models.hosted",),
    "yaml": ("tierwise.knowledge.reading", "tierwise_tools.openapi", "tierwise_app.prompts"),
    "lxml": ("tierwise.knowledge.reading",),
    "markdown_it": ("tierwise.knowledge.reading", "tierwise_app.web.answer"),
    "pptx": ("tierwise.knowledge.reading",),
    "prometheus_client": ("tierwise_app.serve",),
    "pypdfium2": ("tierwise.knowledge.reading",),
    "pysubs2": ("tierwise.knowledge.reading",),
    "python_calamine": ("tierwise.knowledge.reading",),
    "rich": ("tierwise_app",),
    "selectolax": ("tierwise.knowledge.reading",),
    "starlette": ("tierwise_app.serve", "tierwise_app.web"),
    "tokenizers": ("tierwise.models",),
    "tree_sitter": ("tierwise.knowledge.reading",),
    "typer": ("tierwise_app",),
    "uvicorn": ("tierwise_app.serve", "tierwise_tools.mcp"),
    "watchfiles": ("tierwise.knowledge.sources",),
}


def modules() -> list[tuple[str, Path]]:
    found = []
    for package, root in SOURCES.items():
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            found.append((name, path))
    return found


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every import of a file as ``(module, only for type checking)``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in typing_only) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # "from tierwise import errors" names a module, whereas "from tierwise import Copilot" is the front door
            names = [f"tierwise.{a.name}" for a in node.names if node.module == "tierwise" and a.name in LAYER]
            found += [(module, id(node) in typing_only) for module in names or [node.module or ""]]
    return found


def part(module: str) -> str:
    """The unit a module belongs to: a subpackage of tierwise, or one of the other roots."""
    pieces = module.split(".")
    return pieces[0] if pieces[0] != "tierwise" else (pieces[1] if len(pieces) > 1 else "tierwise")


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_point_down(name: str, path: Path) -> None:
    own = part(name)
    if own == "tierwise":
        return  # the front door names everything, lazily; see the test of its weight
    assert own in LAYER, f"{name} has no layer: add it to LAYER and to docs/architecture.md"
    for module, _ in imports(path):
        if module.split(".")[0] not in SOURCES:
            continue
        other = part(module)
        if own == other or module == "tierwise.models.base":
            continue
        if own == "tierwise_app":
            public = module.split(".")[0] == "tierwise_tools" or len(module.split(".")) <= 2
            assert public, f"{name} imports {module}: faces use public names only"
            continue
        assert other != "tierwise", f"{name} imports the front door"
        together = LAYER[own] == LAYER[other] == 1 or (own, other) == ("testing", "runtime")
        assert LAYER[other] < LAYER[own] or together, f"{name} imports {module}"


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_parts_of_models_keep_their_order(name: str, path: Path) -> None:
    level = {part: n for n, parts in enumerate(MODELS) for part in parts}

    def place(module: str) -> str:
        return module.removeprefix("tierwise.models").removeprefix(".").partition(".")[0]

    if not name.startswith("tierwise.models.") or (own := place(name)) not in level:
        return  # the front door and the factory know all of them
    for module, typing_only in imports(path):
        theirs = place(module) if module.startswith("tierwise.models.") else own
        if theirs != own and not typing_only:
            assert level.get(theirs, 9) < level[own] or level[own] == level.get(theirs) == 0, f"{name} imports {module}"


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_each_library_is_touched_in_one_place(name: str, path: Path) -> None:
    for module, typing_only in imports(path):
        places = TOUCHED_IN.get(module.split(".")[0])
        if places is not None and not typing_only:
            assert name.startswith(places), f"{name} imports {module}; its place is {', '.join(places)}"


def test_importing_tierwise_loads_nothing_heavy() -> None:
    program = "import sys, tierwise; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [m for m in HEAVY if m in loaded] == []


def test_every_public_name_exists() -> None:
    import tierwise

    assert [name for name in tierwise.__all__ if not hasattr(tierwise, name)] == []
    assert sorted(tierwise.__all__) == tierwise.__all__


@pytest.mark.parametrize("root", SOURCES.values(), ids=str)
def test_roots_are_not_packages(root: Path) -> None:
    assert not (root / "__init__.py").exists(), f"{root} would shadow other projects' packages of that name"
