"""The languages whose definitions are found: their grammar, and which nodes of it define something."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Query


@dataclass(frozen=True, slots=True)
class Language:
    """What is to be known of a language.

    Attributes:
        module: the package with its grammar.
        functions: node types that are a definition by themselves.
        containers: node types that hold definitions: classes, namespaces.
        attached: node types that belong to the definition after them: comments, attributes, decorators.
        wrappers: node types around one definition that are a part of it: decorators, templates, exports.
        grammar: the function of ``module`` that gives the grammar.
    """

    module: str
    functions: frozenset[str]
    containers: frozenset[str]
    attached: frozenset[str] = frozenset({"comment"})
    wrappers: frozenset[str] = frozenset()
    grammar: str = "language"


def _types(words: str) -> frozenset[str]:
    return frozenset(words.split())


_JS_FUNCTIONS = "function_declaration generator_function_declaration method_definition variable_declarator"
_TS_FUNCTIONS = f"{_JS_FUNCTIONS} function_signature abstract_method_signature type_alias_declaration enum_declaration"
_TS_CONTAINERS = "class_declaration abstract_class_declaration interface_declaration internal_module module"
_C_FUNCTIONS = "function_definition declaration type_definition enum_specifier union_specifier preproc_function_def"

_PYTHON = Language(
    "tree_sitter_python",
    _types("function_definition"),
    _types("class_definition"),
    wrappers=_types("decorated_definition"),
)
_JAVASCRIPT = Language(
    "tree_sitter_javascript",
    _types(_JS_FUNCTIONS),
    _types("class_declaration class"),
    _types("comment decorator"),
    _types("export_statement lexical_declaration variable_declaration"),
)
_TYPESCRIPT = Language(
    "tree_sitter_typescript",
    _types(_TS_FUNCTIONS),
    _types(_TS_CONTAINERS),
    _types("comment decorator"),
    _types("export_statement lexical_declaration variable_declaration ambient_declaration"),
    "language_typescript",
)
_TSX = Language(
    _TYPESCRIPT.module,
    _TYPESCRIPT.functions,
    _TYPESCRIPT.containers,
    _TYPESCRIPT.attached,
    _TYPESCRIPT.wrappers,
    "language_tsx",
)
_JAVA = Language(
    "tree_sitter_java",
    _types("method_declaration constructor_declaration compact_constructor_declaration"),
    _types("class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration"),
    _types("line_comment block_comment"),
)
_C = Language("tree_sitter_c", _types(_C_FUNCTIONS), _types("struct_specifier"))
_CPP = Language(
    "tree_sitter_cpp",
    _types(f"{_C_FUNCTIONS} alias_declaration concept_definition"),
    _types("class_specifier struct_specifier namespace_definition"),
    wrappers=_types("template_declaration"),
)
_GO = Language("tree_sitter_go", _types("function_declaration method_declaration type_declaration"), frozenset())
_RUST = Language(
    "tree_sitter_rust",
    _types("function_item function_signature_item struct_item enum_item union_item type_item macro_definition"),
    _types("impl_item trait_item mod_item"),
    _types("line_comment block_comment attribute_item"),
)
_RUBY = Language("tree_sitter_ruby", _types("method singleton_method"), _types("class module"))
_PHP = Language(
    "tree_sitter_php",
    _types("function_definition method_declaration"),
    _types("class_declaration interface_declaration trait_declaration enum_declaration namespace_definition"),
    grammar="language_php",
)
_C_SHARP = Language(
    "tree_sitter_c_sharp",
    _types(
        "method_declaration constructor_declaration destructor_declaration property_declaration indexer_declaration "
        "operator_declaration delegate_declaration enum_declaration local_function_statement"
    ),
    _types("class_declaration struct_declaration interface_declaration record_declaration namespace_declaration"),
)
_BASH = Language("tree_sitter_bash", _types("function_definition"), frozenset())

_BY_ENDING = {
    **dict.fromkeys(("py", "pyi", "pyw"), _PYTHON),
    **dict.fromkeys(("js", "mjs", "cjs", "jsx"), _JAVASCRIPT),
    **dict.fromkeys(("ts", "mts", "cts"), _TYPESCRIPT),
    "tsx": _TSX,
    "java": _JAVA,
    "c": _C,
    **dict.fromkeys(("h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "ipp", "cu"), _CPP),  # `.h`: C++ reads C as well
    "go": _GO,
    "rs": _RUST,
    **dict.fromkeys(("rb", "rake", "gemspec"), _RUBY),
    **dict.fromkeys(("php", "phtml"), _PHP),
    "cs": _C_SHARP,
    **dict.fromkeys(("sh", "bash", "zsh", "ksh"), _BASH),
}
_BY_INTERPRETER = {"python": _PYTHON, "node": _JAVASCRIPT, "ruby": _RUBY, "php": _PHP, "sh": _BASH, "bash": _BASH}
_BY_INTERPRETER |= {"dash": _BASH, "ksh": _BASH, "zsh": _BASH}


def language_of(name: str, first_line: str) -> Language | None:
    """The language of a file by the ending of its name, else by its ``#!`` line."""
    ending = name.lower().rpartition(".")[2]
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if not first_line.startswith("#!"):
        return None
    words = [word.rpartition("/")[2] for word in first_line[2:].split() if not word.startswith("-")]
    interpreter = words[1] if words[:1] == ["env"] and len(words) > 1 else "".join(words[:1])
    return _BY_INTERPRETER.get(interpreter.rstrip("0123456789."))


@lru_cache(maxsize=32)
def grammar_of(language: Language) -> Grammar | None:
    """Its grammar, or ``None`` if the package with it is not installed or does not fit."""
    from tree_sitter import Language as Grammar

    try:
        return Grammar(getattr(import_module(language.module), language.grammar)())
    except (ImportError, ValueError):
        return None


@lru_cache(maxsize=32)
def query_of(language: Language) -> Query | None:
    """What captures its definitions, what is attached to them and what wraps them."""
    from tree_sitter import Query, QueryError

    grammar = grammar_of(language)
    wanted = {
        "definition": language.functions | language.containers,
        "attached": language.attached,
        "wrapper": language.wrappers,
    }
    patterns = (f"({kind}) @{name}" for name, kinds in wanted.items() for kind in sorted(kinds))
    try:
        return Query(grammar, "\n".join(patterns)) if grammar is not None else None
    except QueryError:  # a later grammar may name its nodes otherwise
        return None
