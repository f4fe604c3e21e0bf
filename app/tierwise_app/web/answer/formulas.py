r"""Formulas in an answer: ``$$..$$``, ``\[..\]``, ``\(..\)`` and ``$..$`` where it cannot be money.

A formula is shown as one only if every command in it is of those that draw mathematics. Any other could name an
address, define commands, or draw over what stands around it; then the source is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

_PAIRS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_LONGEST, _MOST_LINES = 2000, 60
_COMMAND = re.compile(r"\\([A-Za-z]+)")
# Seen as plain Markdown these could be something else than a formula.
_FOREIGN = re.compile(
    r"`|!\[|\]\s*[(\[:]|&#|&\w+;|://|:[A-Za-z+]|[@~\"]|www\.|<[/!?A-Za-z]|[^\x20-\x7e\n\u00a0-\u2fff]"
)
# Plain letters and figures between single dollars are prices and variables far more often than formulas.
_MATHEMATICAL = re.compile(r"\\[A-Za-z]|\^|_\{|^[A-Za-z]\w?_\w|^[A-Za-z]$|^[A-Za-z][^=]*=")
_BEGIN = re.compile(r"\\(?:begin|end)\{([a-z]*\*?)\}")
_ENVIRONMENT_NAMES = (
    "matrix pmatrix bmatrix vmatrix Bmatrix cases aligned align align* gathered array split equation equation*"
)
_COMMAND_NAMES = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho
    sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    frac dfrac tfrac cfrac binom dbinom tbinom sqrt sum prod int iint iiint oint lim limsup liminf sup inf max min
    arg det dim exp log ln lg sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh gcd ker deg hom Pr
    bigcup bigcap bigsqcup bigvee bigwedge bigoplus bigotimes coprod
    cdot times div pm mp ast star circ bullet oplus ominus otimes oslash odot cup cap sqcup sqcap vee wedge setminus
    le leq ge geq ne neq lt gt ll gg approx equiv sim simeq cong propto prec succ preceq succeq subset supset subseteq
    supseteq in notin ni mid nmid parallel perp models vdash dashv
    to gets leftarrow rightarrow leftrightarrow Leftarrow Rightarrow Leftrightarrow mapsto longmapsto implies iff
    longrightarrow longleftarrow Longrightarrow uparrow downarrow updownarrow hookrightarrow nearrow searrow
    forall exists nexists neg lnot land lor top bot emptyset varnothing infty partial nabla ell hbar Re Im aleph wp
    angle triangle square prime degree dots ldots cdots vdots ddots colon quad qquad
    left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr langle rangle lceil rceil lfloor
    rfloor lvert rvert lVert rVert vert Vert lbrace rbrace lbrack rbrack
    hat widehat bar overline underline vec tilde widetilde dot ddot overbrace underbrace overset underset stackrel
    overrightarrow mathbb mathbf mathcal mathfrak mathit mathrm mathsf mathtt mathscr boldsymbol bm text textbf textit
    textrm operatorname boxed limits nolimits substack displaystyle textstyle mod pmod bmod pod tag notag nonumber
    begin end
"""
_COMMANDS, _ENVIRONMENTS = frozenset(_COMMAND_NAMES.split()), frozenset(_ENVIRONMENT_NAMES.split())


def use_formulas(reader: MarkdownIt) -> None:
    """Teach a Markdown reader to find formulas: tokens ``formula``, ``info`` is ``block`` or ``inline``."""
    reader.inline.ruler.before("escape", "formula", _inline)
    reader.block.ruler.before("fence", "formula", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def is_formula(text: str) -> bool:
    """Whether a text between marks can be shown as a formula."""
    if not text.strip() or len(text) > _LONGEST or "$" in text or "\n\n" in text or _FOREIGN.search(text):
        return False
    if not _COMMANDS.issuperset(_COMMAND.findall(text)) or not _ENVIRONMENTS.issuperset(_BEGIN.findall(text)):
        return False
    depth = 0
    for at, char in enumerate(text):
        if char in "{}" and text[at - 1 : at] != "\\":
            depth += 1 if char == "{" else -1
            if depth < 0:
                return False
    return depth == 0 and not text.rstrip().endswith("\\")


def _inline(state: StateInline, silent: bool) -> bool:
    source, at = state.src, state.pos
    if source[at] not in "$\\":
        return False
    for opens, closes in _PAIRS:
        if not source.startswith(opens, at):
            continue
        begin = at + len(opens)
        end = source.find(closes, begin, min(state.posMax, begin + _LONGEST))
        if end < 0:
            return False
        inner, after = source[begin:end], end + len(closes)
        if not is_formula(inner) or (opens == "$" and not _is_surely(source, at, inner, after)):
            return False
        if not silent:
            token = state.push("formula", "", 0)
            token.content, token.markup = inner, source[at:after]
            token.info = "block" if opens in ("$$", "\\[") else "inline"
        state.pos = after
        return True
    return False


def _is_surely(source: str, at: int, inner: str, after: int) -> bool:
    """Whether single dollars are the marks of a formula."""
    before, behind = source[at - 1 : at], source[after : after + 1]
    if inner != inner.strip() or "\n" in inner or before.isalnum() or behind.isalnum():
        return False
    return bool(_MATHEMATICAL.search(inner))


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A formula that begins a line and ends one."""
    if state.is_code_block(first):
        return False
    line = state.src[state.bMarks[first] + state.tShift[first] : state.eMarks[first]]
    pair = next((pair for pair in _PAIRS[:2] if line.startswith(pair[0])), None)
    if pair is None:
        return False
    lines = [line[2:]]
    at = first
    while pair[1] not in lines[-1]:
        at += 1
        if at >= min(last, first + _MOST_LINES) or state.sCount[at] < state.blkIndent or state.isEmpty(at):
            return False
        lines.append(state.src[state.bMarks[at] + state.tShift[at] : state.eMarks[at]])
    inner, behind = lines[-1].split(pair[1], 1)
    inner = "\n".join((*lines[:-1], inner)).strip()
    if behind.strip() or not is_formula(inner):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup, token.info, token.block = inner, "\n".join(lines), "block", True
        token.map = [first, at + 1]
        state.line = at + 1
    return True
