# ruff: noqa: RUF001  (characters that look alike are the point of this table)
"""Roff's names of characters."""

from __future__ import annotations

# Names as in groff_char(7); what is no character of its own there is written as its usual likeness.
_PAIRS = r"""
lq “ rq ” oq ‘ cq ’ aq ' dq " Bq „ bq ‚ Fo « Fc » fo ‹ fc › em — en – hy - bu • co © rg ® tm ™ de ° mu × di ÷
+- ± <= ≤ >= ≥ != ≠ == ≡ ~~ ≈ =~ ≅ ap ∼ -> → <- ← <> ↔ ua ↑ da ↓ va ↕ rA ⇒ lA ⇐ hA ⇔ uA ⇑ dA ⇓ sc § ps ¶ dg †
dd ‡ ul _ ru _ rs \ sl / ha ^ ti ~ ga ` aa ´ br │ bv | ba | bb ¦ or | rn ‾ lB [ rB ] lC { rC } la ⟨ ra ⟩ lh ☜
rh ☞ if ∞ sq □ ci ○ OK ✓ CR ↵ fm ′ sd ″ mc µ no ¬ tno ¬ fa ∀ te ∃ st ∋ tf ∴ 3d ∴ AN ∧ OR ∨ mo ∈ nm ∉ sb ⊂ nb ⊄
sp ⊃ nc ⊅ ib ⊆ ip ⊇ ca ∩ cu ∪ es ∅ pd ∂ gr ∇ sr √ sum ∑ product ∏ integral ∫ pl + mi − eq = ** ∗ pt ∝ Ah ℵ
Im ℑ Re ℜ wp ℘ hbar ℏ ct ¢ Do $ Eu € eu € Po £ Ye ¥ Cs ¤ Fn ƒ r! ¡ r? ¿ 12 ½ 14 ¼ 34 ¾ 18 ⅛ 38 ⅜ 58 ⅝ 78 ⅞
S1 ¹ S2 ² S3 ³ Of ª Om º ss ß AE Æ ae æ OE Œ oe œ IJ Ĳ ij ĳ -D Ð Sd ð TP Þ Tp þ /L Ł /l ł /O Ø /o ø oA Å oa å
.i ı .j ȷ ff ff fi fi fl fl Fi ffi Fl ffl sh # at @ CL ♣ SP ♠ HE ♥ DI ♦ *A Α *B Β *G Γ *D Δ *E Ε *Z Ζ *Y Η
*H Θ *I Ι *K Κ *L Λ *M Μ *N Ν *C Ξ *O Ο *P Π *R Ρ *S Σ *T Τ *U Υ *F Φ *X Χ *Q Ψ *W Ω *a α *b β *g γ *d δ *e ε
*z ζ *y η *h θ *i ι *k κ *l λ *m μ *n ν *c ξ *o ο *p π *r ρ *s σ *t τ *u υ *f ϕ *x χ *q ψ *w ω ts ς +h ϑ +f φ
+p ϖ +e ϵ
"""
_WORDS = _PAIRS.split()

CHARACTERS = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))
"""The character of each name, such as ``em`` for the long dash that is written ``\\(em``."""
