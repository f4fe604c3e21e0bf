"""HTML is read as a person reads the page."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tierwise.knowledge.document import Block, Document, Page
from tierwise.knowledge.reading.html import read_html

SAMPLES = Path(__file__).parents[3] / "data" / "documents"
MARKUP = (
    "<p> <div> </div> <h1> </h1> <h2>x</h2> <ul> <li> </ul> <ol> <dl> <dt> <dd> </dl> <pre> </pre> <table> <tr> <td>"
)
MARKUP += " <th> </table> <script> </script> <br> <a> </a> <b> <!-- --> <main> <nav> &amp; text and\nwords <img> <td>x"


def read(source: str | bytes) -> Document:
    return read_html(source.encode() if isinstance(source, str) else source, "a.html")


def page(source: str) -> Page:
    return read(source).pages[0]


def blocks(source: str) -> list[tuple[str, str | None, str]]:
    found = page(source)
    return [(b.kind, b.head, found.text[b.start : b.end]) for b in found.blocks]


def test_html_is_what_a_reader_sees() -> None:
    document = read(
        "<html><head><title>The\n manual</title><style>p {}</style></head><body><nav>Home</nav><script>x()</script>"
        "<h1>Care</h1><p>Use <b>citric</b>\n acid.<br>Never vinegar.</p><ul><li><p>one</p><li>two</ul>"
        "<table><tr><th>E3</th><td>hot</td></tr></table><pre>a\n  b</pre><!-- no -->1&nbsp;&lt;&nbsp;2</body></html>"
    )
    assert document.title == "The manual"
    text = document.pages[0].text
    assert text == "Care\n\nUse citric acid.\nNever vinegar.\n\n- one\n\n- two\n\nE3 | hot\n\na\n  b\n\n1\xa0<\xa02"
    (heading,) = document.pages[0].headings
    assert text[heading.start : heading.end] == heading.title == "Care"


def test_what_a_browser_hides_is_not_read() -> None:
    source = (
        "<p>seen</p><p hidden>no</p><div style='color: red; display : NONE'>no</div><p style='visibility:hidden'>no"
        "</p><p style='opacity: 0'>no</p><span aria-hidden='true'>no</span><template>no</template><dialog>no</dialog>"
        "<select><option>no</select><textarea>no</textarea><noscript>no</noscript><p style='opacity: 0.5'>seen</p>"
        "<div id='cookie-banner'>no</div><form>seen<button>no</button></form><td style='font-size:0px'>seen</td>"
    )
    assert "".join(page(source).text.split()) == "seenseenseenseen"


def test_the_main_part_stands_for_the_page() -> None:
    around = "<header>top</header><nav>nav</nav><aside>side</aside>"
    main = "<h1>Title</h1><p>" + "Words of the page. " * 20 + "</p><aside>A note.</aside>"
    text = page(f"{around}<main>{main}</main><div>related</div><footer>foot</footer>").text
    assert text.startswith("Title")
    assert text.endswith("A note.")
    text = page(f"{around}<article><header>{main}</header></article><div>related</div><footer>foot</footer>").text
    assert text.startswith("Title")
    assert text.endswith("A note.\n\nrelated")


def test_no_text_is_lost_where_the_page_marks_no_main_part_or_an_empty_one() -> None:
    assert (
        page("<header>top</header><aside>side</aside><p>x</p><footer>foot</footer>").text == "top\n\nside\n\nx\n\nfoot"
    )
    body = "<div>" + "Words of the page. " * 20 + "</div>"
    assert "Words of the page." in page(f"<main><p>search</p></main>{body}").text
    assert page("<body style='display:none'><nav>Home and <a>away</a></nav></body>").text == "Home and away"


def test_a_data_table_is_a_line_a_row_under_its_columns() -> None:
    source = (
        "<table><caption>Prices</caption><thead><tr><th>What<th>Month<th>Price</thead>"
        "<tr><td rowspan=2>A<p>b</p><td>May<td>3<tr><td>June<td>4<tr><td>C<td><td><ul><li>5<li>6</ul></table>"
    )
    text = "What | Month | Price\nA b | May | 3\nA b | June | 4\nC |  | - 5 - 6"
    assert page(source).text == f"Prices\n{text}"
    assert blocks(source) == [("table", "What | Month | Price", text)]


def test_a_table_that_lays_out_a_page_is_no_table() -> None:
    source = (
        "<table><tr><td><h1>Title</h1><p>words</p></td><td><table><tr><th>a<th>b<tr><td>1<td>2</table></td></table>"
    )
    assert blocks(source) == [("table", "a | b", "a | b\n1 | 2")]
    assert [h.title for h in page(source).headings] == ["Title"]


def test_lists_definitions_and_code_are_blocks() -> None:
    source = (
        "<ol start=3><li>c<li>d<ul><li>e</ul></ol><dl><dt>x<dd>the x<dd>also<dt>y<dt>z<dd>y or z<pre>\ncode\n  more\n"
        "</pre></dl><pre><code>alone()</code></pre>"
    )
    assert blocks(source) == [
        ("list", None, "3. c\n4. d\n\n- e"),
        ("record", "x", "x\nthe x\nalso"),
        ("record", "y", "y\nz\ny or z\n\ncode\n  more"),
        ("code", None, "alone()"),
    ]


def test_of_blocks_in_a_long_block_each_is_one() -> None:
    method = "<dl><dt>{0}()<dd>" + "What it does. " * 80 + "</dl>"
    source = f"<dl><dt>class X<dd>{method.format('one')}{method.format('two')}</dl>"
    assert [(kind, head) for kind, head, _ in blocks(source)] == [("record", "one()"), ("record", "two()")]


def test_headings_without_the_marks_of_links() -> None:
    source = "<h1>Top<a href=#top>¶</a></h1><p>x</p><h2><a href=#s>#</a> A <em>part</em></h2><p>y</p><h3></h3>"
    found = page(source)
    assert [(h.level, h.title, found.text[h.start : h.end]) for h in found.headings] == [
        (1, "Top", "Top"),
        (2, "A part", "A part"),
    ]


def test_pictures_are_the_words_that_describe_them() -> None:
    source = "<figure><img src=x.png alt='A red fox in snow'><figcaption>The fox</figcaption></figure><img alt='icon'>"
    assert page(source).text == "[A red fox in snow]\n\nThe fox"


def sample(name: str) -> Document:
    return read_html((SAMPLES / name).read_bytes(), name)


def test_a_manual_page_that_asciidoc_made() -> None:
    document = sample("git-prune.html")
    found = document.pages[0]
    assert document.title == "git-prune(1)"
    assert [h.title for h in found.headings][1:5] == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"]
    records = {b.head: found.text[b.start : b.end] for b in found.blocks if b.kind == "record"}
    assert records["-n"] == "-n\n--dry-run\n\nDo not remove anything; just report what it would remove."
    assert any(b.kind == "code" and "git prune [-n]" in found.text[b.start : b.end] for b in found.blocks)


def test_a_page_whose_navigation_is_longer_than_its_text() -> None:
    document = sample("string_decoder.html")
    assert document.pages[0].text.startswith("String decoder\n\nStability: 2 - Stable")
    assert "Worker threads" not in document.pages[0].text
    assert [h.title for h in document.pages[0].headings][:2] == ["String decoder", "Class: StringDecoder"]


def test_a_table_that_sqlite_made_row_by_row() -> None:
    found = sample("nulls.html").pages[0]
    tables = [b for b in found.blocks if b.kind == "table"]
    assert tables[0].head == "| SQLite | PostgreSQL | Oracle | Informix | DB2 | MS-SQL | OCELOT"
    rows = found.text[tables[0].start : tables[0].end].split("\n")
    assert rows[0] == tables[0].head
    assert "Adding anything to null gives null | Yes | Yes | Yes | Yes | Yes | Yes | Yes" in rows


def test_html_in_its_declared_encoding() -> None:
    assert page_text('<meta charset="iso-8859-2"><p>Žižka</p>'.encode("iso-8859-2")) == "Žižka"
    assert page_text('<meta charset="no-such-encoding"><p>Größe</p>'.encode()) == "Größe"
    assert page_text('<?xml version="1.0" encoding="koi8-r"?><p>привет</p>'.encode("koi8-r")) == "привет"
    assert page_text(b"\xef\xbb\xbf<p>hello</p>") == "hello"


def page_text(source: bytes) -> str:
    return read(source).pages[0].text


def test_xhtml_closes_elements_at_once() -> None:
    head = '<head><title/><script src="a.js"/></head>'
    source = f'<?xml version="1.0"?><html xmlns="x">{head}<body><a id="b"/>words</body></html>'
    assert page(source).text == "words"


def test_pages_nest_as_deep_as_they_like_and_no_markup_is_slow() -> None:
    assert page("<div>" * 5_000 + "deep" + "</div>" * 5_000).text == "deep"
    assert page("<table><tr><td>" * 500 + "deep").text == "deep"
    assert page("<dl><dd>" * 2_000 + "deep").text == "deep"
    assert page("x" + "<a " * 20_000).text == "x"
    assert page("x" + "<" * 100_000 + "<!--" * 50_000).text.startswith("x")
    assert page("<p>words</p><![foo bar").text == "words"


@given(st.lists(st.sampled_from(MARKUP.split(" ")), max_size=60).map(" ".join))
def test_any_markup_gives_spans_that_hold(source: str) -> None:
    found = page(source)
    ends = [0]
    for block in found.blocks:
        assert isinstance(block, Block)
        assert ends[-1] <= block.start < block.end <= len(found.text)
        assert found.text[block.start : block.end].strip()
        ends.append(block.end)
    starts = [heading.start for heading in found.headings]
    assert starts == sorted(starts)
    assert all(h.end <= len(found.text) and found.text[h.start : h.end].strip() for h in found.headings)
