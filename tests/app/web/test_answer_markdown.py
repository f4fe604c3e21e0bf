"""``safe_markdown``: ordinary Markdown stays what it is, and nothing else comes alive."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tierwise_app.web.answer.markdown import marked_markdown, safe_markdown
from tierwise_app.web.answer.reading import read_blocks

# What Streamlit's Markdown looks for in text that is parsed already, where no escape is left.
SECOND_LOOK = re.compile(
    r"https?://[-.\w]|www\.[-.\w]|[-.\w+]@[-\w]|:material_\w+:|:streamlit:|:\+1:|:-1:|:[\w-]+:",
    re.ASCII | re.IGNORECASE,
)
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
APART = re.compile(r":color\[(.)\]")
BESIDE = re.compile(r" :small\[\([^()]*\)\]")

# Pieces that mean something to some reader of Markdown, to be put together in every way.
PIECES = st.sampled_from(
    [
        *"*_~`[]()!<>#+-=|\\:;.@&\"' \n\t{}^%/,?1ax",
        "\n\n", "    ", "  \n", "```", "~~~", "**", "__", "~~", "![", "](", "- ", "1. ", "> ", "# ", "| a |", "\n|-|\n",
        "---", "http://h.example/p?d=1", "https://h.example", "www.h.example", "a@h.example", "mailto:a@h.example",
        "<http://h.example>", "javascript:x", "data:text/html,x", "//h.example", "\\\\h\\x", ":red[", ":material/home:",
        ":material_home:", ":tada:", ":+1:", ":streamlit:", ":small[x]", ":::note", "[^1]", "[^1]: x", "[a]",
        "<img src=x>", "[a]: http://h.example", "<b>", "<!--", "&#33;", "&lt;", "&amp;#91;", "wort", "é",
        "\u202e", "\u200b", "\ue0000\ue001", "\u00a0", "😀", "[x] ", "-> ", " <= ", "a:b:c",
    ]
)  # fmt: skip
DOLLARS = st.sampled_from(
    ["$", "$$", "\\(", "\\)", "\\[", "\\]", "\\frac{a}{b}", "\\href{http://h.example}{x}", "x^2", "5", " "]
)
MARKDOWN = st.lists(PIECES, max_size=25).map("".join)
WITH_FORMULAS = st.lists(PIECES | DOLLARS, max_size=25).map("".join)


def leaves(tokens: list[Token]) -> list[Token]:
    return [leaf for token in tokens for leaf in (leaves(token.children) if token.children else [token])]


def words(tokens: list[Token]) -> str:
    """All that is to be read, without blanks."""
    return re.sub(r"\s", "", "".join(token.content for token in leaves(tokens)))


def shown(markdown: str) -> str:
    """All that is to be read of what was written anew, without blanks and what we set beside links."""
    read = "".join(token.content for token in leaves(prose(markdown)))
    return re.sub(r"\s", "", BESIDE.sub("", APART.sub(r"\1", read)))


def prose(markdown: str) -> list[Token]:
    return READER.parse(markdown)


def assert_dead(markdown: str) -> None:
    """Nothing of the Markdown loads, runs or is drawn, and links lead where links may lead."""
    for token in leaves(prose(markdown)):
        assert token.type not in ("image", "html_block", "html_inline"), markdown
        if token.type == "link_open":
            assert re.match(r"(https?://|mailto:)", str(token.attrs["href"])), markdown
        if token.type == "fence":
            assert not re.match(r"mermaid|math", token.info), markdown
        if token.type in ("text", "text_special") and not token.content.startswith(("http", "https")):
            for node in APART.sub("\0", token.content).split("\0"):
                assert not SECOND_LOOK.search(node.replace(":small", "").replace(":color", "")), (node, markdown)


@settings(max_examples=250, deadline=None)
@given(WITH_FORMULAS)
@example("![x](http://h.example/p?d=1)")
@example("[![x](http://h.example)](javascript:x)")
@example("![x][r]\n\n[r]: http://h.example/p")
@example("> - ![x](<http://h.example>)")
@example("<img src=http://h.example>\n\n<script>x")
@example("&#33;[x](http://h.example)")
@example("\\![x](http://h.example)")
@example("a&#58;material_home&#58; &#58;tada: ht&#116;p://h.example")
def test_nothing_comes_alive_whatever_is_written(text):
    assert_dead(safe_markdown(text))


@settings(max_examples=250, deadline=None)
@given(MARKDOWN)
@example("**a***b*")
@example("*a*_b_")
@example("*http://h.example/p?d=1*a@h.example")
@example("- a\n\n      code\n- b")
@example("| a | b |\n|---|---|\n| `x\\|y` | **c** |")
@example("1. a\n2. b\n   - c\n\n   d")
def test_what_is_written_anew_says_the_same(text):
    said, wanted = shown(safe_markdown(text)), words(read_blocks(text.translate(DROPPED)))
    # Which of several stars set a word off, where they touch each other, is read differently now and then.
    assert re.sub(r"[*_~]", "", said) == re.sub(r"[*_~]", "", wanted)


DROPPED = dict.fromkeys(
    [*range(9), *range(11, 32), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), 0xE000, 0xE001, 0xFEFF]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(WITH_FORMULAS, st.data())
def test_the_beginning_of_a_text_is_as_safe_as_the_whole(text, data):
    assert_dead(safe_markdown(text[: data.draw(st.integers(0, len(text)))]))


@pytest.mark.parametrize(
    "text",
    [
        "Some **bold**, *slanted* and ~~gone~~ words, and `code`",
        "## Heading\n\nText below",
        "- one\n- two\n  - deeper\n  - again\n- three",
        "3. three\n4. four",
        "- one\n\n  more of one\n\n- two",
        "> quoted\n>\n> - in a list",
        "```python\nprint('hi')  # <b>![x](y)\n```",
        "- [x] done\n- [ ] open",
        "| a | b |\n| :--- | ---: |\n| 1 | `x` |",
        "line\\\nbroken",
        "E is $E=mc^2$ and $\\frac{a}{b}$",
        "$$\n\\sum_{i=1}^n x_i\n$$",
        "émoji 🙂 ok",
    ],
)
def test_ordinary_markdown_is_written_as_it_was(text):
    assert safe_markdown(text) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\\(a^2\\)", "$a^2$"),
        ("\\[\na^2\n\\]", "$$\na^2\n$$"),
        ("costs $5 and $10", None),
        ("from $HOME to $PATH", None),
        ("$AWS_KEY/$AWS_SECRET", None),
        ("$\\href{http://h.example}{x}$", None),
        ("$$\\def\\x{\\x\\x}\\x$$", None),
        ("$\\htmlData{a=b}{x}$", None),
        ("$\\kern-9em x^2$", None),
        ("$x^{2$", None),
    ],
)
def test_a_formula_is_one_only_where_it_is_surely_mathematics(text, wanted):
    assert safe_markdown(text) == wanted if wanted else "$" not in safe_markdown(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[docs](https://docs.example/3/)", "(docs.example)"),
        ("[https://ok.example](https://other.example/x)", "(warning: leads to https://other.example/x)"),
        ("[ok.example](https://other.example/x)", "(warning: leads to https://other.example/x)"),
        ("[read on](https://h.example/p?d=SECRET)", "(warning: leads to https://h.example/p?d=SECRET)"),
        ("https://h.example/p?d=SECRET", "(warning: opening it sends data to h.example)"),
        ("[b\u00fccher](https://b\u00fccher.example/)", "(xn--bcher-kva.example)"),
        ("https://\u0430pple.example", "(warning: leads to https://xn--pple-43d.example)"),
        ("https://h.example/page", ""),
        ("<https://h.example/page>", ""),
    ],
)
def test_where_a_link_leads_is_seen(text, said):
    read = "".join(token.content for token in leaves(prose(safe_markdown(text))))
    beside = re.search(r":small\[(.*)\]", APART.sub(r"\1", read))
    assert (beside[1] if beside else "") == said
    assert any(token.type == "link_open" for token in leaves(prose(safe_markdown(text))))


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "//h.example",
        "/static/x", "#top", "ftp://h.example", "http://user@h.example", "http:/\\h.example", "https://",
    ],
)  # fmt: skip
def test_other_addresses_are_no_links(href):
    assert not [
        token for token in leaves(prose(safe_markdown(f"[x]({href}) [y](<{href}>)"))) if token.type == "link_open"
    ]


def test_an_image_is_shown_as_it_was_written():
    text = '![a *b*](http://h.example/x_y.png "t")'
    assert shown(safe_markdown(text)) == text.replace(" ", "")
    assert safe_markdown("![local](/static/a.png)") == "&#33;&#91;local&#93;&#40;/static/a.png&#41;"


def test_diagrams_are_shown_as_code():
    assert safe_markdown("```mermaid\ngraph TD\n```") == "```\ngraph TD\n```"
    assert safe_markdown("```-language-mermaid\nx\n```") == "```\nx\n```"


def test_marks_stand_behind_the_sentences_even_in_tables_and_code():
    mark = ("**!**", "!")
    assert marked_markdown("One. Two.", [(4, *mark)]) == "One. **!** Two."
    row = "| a | b |\n| --- | --- |\n| c | d |"
    assert marked_markdown(row, [(len(row), *mark)]).endswith("| c | d **!** |")
    assert marked_markdown("`code`", [(5, *mark)]) == "`code !`"


def test_a_text_cannot_make_marks_of_its_own_or_turn_ours_into_links():
    assert "**!**" not in marked_markdown("\ue0000\ue001", [])
    text = "Fact.\n\n[1]: http://h.example"
    assert "h.example" not in marked_markdown(text, [(5, ":primary[&#91;1&#93;]", "[1]")])
