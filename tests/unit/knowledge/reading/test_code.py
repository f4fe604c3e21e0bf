"""Source code by definition, in every language that has a grammar; broken code and others are read all the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, said, sample

from tierwise.errors import InvalidInput
from tierwise.knowledge.cutting.passages import cut, rough_token_spans
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.clean import clean_document
from tierwise.knowledge.reading.code import read_code
from tierwise.knowledge.reading.code.languages import language_of, query_of

ENDINGS = ["py", "js", "ts", "tsx", "java", "c", "cpp", "go", "rs", "rb", "php", "cs", "sh"]

RETRY = {
    "py": '''\
class Client(Base):
    """Talks."""

    url = 1

    @cached
    # three times
    def retry(self, n: int = 3) -> bool:
        def inner(): ...
        return True

def other(): ...
''',
    "js": """\
/** Talks. */
export class Client extends Base {
  url = 1;
  // three times
  retry(n) { return true; }
}
export const other = async (a) => { a(); };
""",
    "ts": """\
export class Client<T> extends Base {
  // three times
  @cached()
  async retry(n: number): Promise<void> { a(); }
}
export function other(): void {}
""",
    "tsx": """\
class Client {
  // three times
  retry(n: number) { return <b>{n}</b>; }
}
const other = () => <i/>;
""",
    "java": """\
/** Talks. */
@Service
public class Client<T> extends Base {
  int url;
  /** three times */
  @Override public boolean retry(int n) throws E { return true; }
}
class other { }
""",
    "c": """\
struct Client { int url; };

/* three times */
static int *retry(struct Client *c,
                  int n)
{
  return 0;
}
int other(void);
""",
    "cpp": """\
namespace net {
class Client : public Base {
 public:
  Client();
};
// three times
int Client::retry(int n) { return n; }
}
template <class T> T other(T t) { return t; }
""",
    "go": """\
package net

// Client talks.
type Client struct{ url string }

// three times
func (c *Client) retry(n int) error { return nil }

func other() {}
""",
    "rs": """\
/// Talks.
#[derive(Debug)]
pub struct Client { url: u8 }
impl Client {
    /// three times
    pub fn retry(&self, n: u8) -> bool { true }
}
fn other() {}
""",
    "rb": """\
module Net
  class Client < Base
    # three times
    def retry(n)
      true
    end
  end
  def self.other; end
end
""",
    "php": """\
<?php
class Client extends Base {
  /** three times */
  public function retry(int $n): bool { return true; }
}
function other() {}
""",
    "cs": """\
namespace Net {
  public class Client : Base {
    /// three times
    [Obsolete] public bool Retry(int n) { return true; }
    public int Other { get; set; }
  }
}
""",
    "sh": """\
#!/bin/sh
set -e

# three times
retry() {
  echo again
}
function other { echo 1; }
""",
}


def read(text: str, name: str) -> Document:
    document = clean_document(read_code(text.encode(), name))
    assert_well_formed(document)
    assert document.kind == "code"
    return document


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_definition_is_a_record_with_its_comment_and_signature(ending: str) -> None:
    document = read(RETRY[ending], f"net/client.{ending}")
    page = document.pages[0]
    record = next(block for block in page.blocks if "three times" in said(page, block))
    assert record.kind == "record"
    head = record.head or ""
    assert "retry(" in head.lower() and "{" not in head and "\n" not in head
    assert said(page, record).lstrip().startswith(("//", "/*", "#", "@", "///")), said(page, record)
    others = [block for block in page.blocks if "other" in said(page, block).lower()]
    assert others and record not in others
    passages = cut(document, rough_token_spans, key="k")
    (title,) = {p.title for p in passages if "three times" in p.text}
    assert title is not None and title.startswith(f"client.{ending}") and title.lower().endswith("retry")
    assert ("client > " in title.lower()) == (ending not in ("c", "sh"))


def test_every_language_has_its_grammar() -> None:
    assert all((language := language_of(f"a.{e}", "")) is not None and query_of(language) is not None for e in ENDINGS)


def test_the_signature_is_on_one_line_without_the_body() -> None:
    page = read("def f(a,\n      b: int = 2,\n      ) -> dict[str, int]:\n    return {}\n", "a.py").pages[0]
    assert page.blocks[0].head == "def f(a, b: int = 2, ) -> dict[str, int]"


def test_code_after_a_class_is_not_taken_for_a_part_of_it() -> None:
    document = read("class A:\n    def f(self):\n        return 1\n\nif __name__ == '__main__':\n    run()\n", "a.py")
    passages = cut(document, rough_token_spans, key="k")
    assert next(p.title for p in passages if "run()" in p.text) == "a.py"


def test_a_class_without_its_methods_is_a_record_of_its_own() -> None:
    document = read_code(sample("sched.py"), "sched.py")
    page = document.pages[0]
    heads = {block.head: said(page, block) for block in page.blocks}
    assert heads["class scheduler"] == "class scheduler:"
    assert '"""Check whether the queue is empty."""' in heads["def empty(self)"]
    assert heads["def queue(self)"].startswith("@property\n")
    passages = cut(document, rough_token_spans, key="k")
    assert next(p.title for p in passages if p.text.startswith("class scheduler:")) == "sched.py > scheduler > __init__"


def test_go_and_c_of_real_projects() -> None:
    page = read_code(sample("socket.go"), "socket.go").pages[0]
    assert any(said(page, block).startswith("// Listen announces") for block in page.blocks)
    assert not any("Licensed under" in said(page, block) for block in page.blocks)
    page = read_code(sample("zpipe.c"), "zpipe.c").pages[0]
    assert [block.head for block in page.blocks][-1] == "int main(int argc, char **argv)"


def test_a_script_is_known_by_its_first_line() -> None:
    page = read("#!/usr/bin/env -S python3.11 -u\ndef f():\n    pass\n", "tool").pages[0]
    assert page.blocks[0].head == "def f()"


def test_characters_are_counted_not_bytes() -> None:
    page = read("# 😀 é\n\nx = 'ü'\ndef größe():\n    return '😀'\n\ndef b(): return 'ß'\n", "a.py").pages[0]
    assert [said(page, block) for block in page.blocks] == ["def größe():\n    return '😀'", "def b(): return 'ß'"]


def test_broken_code_is_read_as_far_as_it_goes() -> None:
    page = read("def good():\n    return 1\n\ndef bad(:\n   ]]]\n\ndef fine():\n    return 2\n", "a.py").pages[0]
    assert "def good()" in [block.head for block in page.blocks]


def test_other_languages_are_cut_where_a_new_part_begins() -> None:
    page = read("proc a {} {\n  x\n\n  y\n}\n\n\nproc b {} {\n  z\n}\n", "tool.tcl").pages[0]
    assert [said(page, block) for block in page.blocks] == ["proc a {} {\n  x\n\n  y\n}", "proc b {} {\n  z\n}"]


@given(
    st.sampled_from(ENDINGS),
    st.lists(
        st.sampled_from(
            [
                *("def f(", "):\n", "class A", "{", "}", "\n", " ", "  ", "(", ")", ";", "// c\n", "# c\n"),
                *("/*", "*/", "function ", "fn x", "=>", "@d\n", "template<", "struct S", "é", "😀", '"'),
                *("'", "`", "<?php ", "end\n", "impl X ", "const a = ", "#[x]\n", "namespace "),
            ]
        ),
        max_size=25,
    ).map("".join),
)
def test_any_text_has_its_parts_within_it(ending: str, text: str) -> None:
    try:
        document = read(text, f"a.{ending}")
    except InvalidInput:
        return
    assert document.pages[0].text == text


def test_deep_and_unclosed_code_is_bounded() -> None:
    for text, name in (
        ("(" * 50_000, "a.py"),
        ("{" * 50_000, "a.c"),
        ("def f(:\n" * 5_000, "a.py"),
        ("$(" * 20_000, "a.sh"),
    ):
        read(text, name)
