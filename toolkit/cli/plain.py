"""Formulas as plain text: LaTeX, as docstrings and claims have it, to what a terminal shows."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

__all__ = ["plain_formula", "plain_text"]


def _table(text: str) -> dict[str, str]:
    """Return what stands pairwise in a text: a command and what it becomes."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


LETTERS = _table(
    "alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ kappa κ lambda λ mu μ nu ν xi ξ "
    "pi π rho ρ sigma σ tau τ phi φ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Sigma Σ Phi Φ Psi Ψ "
    "Omega Ω ell ℓ cdot · infty ∞ partial ∂ int ∫ ldots … dots … cdots … rangle ⟩ rfloor ⌋ rceil ⌉ star * ast * "
    "prime ′ top ᵀ circ ∘ rVert ‖ Vert ‖ rvert | vert |"
)
RELATIONS = _table(
    "le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ sim ~ equiv ≡ in ∈ to → mapsto ↦ leftarrow ← rightarrow → Rightarrow ⇒ "
    "implies ⇒ iff ⇔ times × pm ± propto ∝ cup ∪ cap ∩ subset ⊂ mid | ll ≪ gg ≫ forall ∀ exists ∃"
)
OPENINGS = _table("nabla ∇ langle ⟨ lfloor ⌊ lceil ⌈ lVert ‖ lvert |")
GLUE, GAP = "\0", "\u2003"  # takes away the space after it; stands for space that sets parts of a formula apart
SYMBOLS = LETTERS | {name: f" {symbol} " for name, symbol in RELATIONS.items()}
SYMBOLS |= {name: symbol + GLUE for name, symbol in OPENINGS.items()}
SYMBOLS |= {"sum": " Σ", "prod": " Π", "quad": GAP, "qquad": GAP, "|": "‖", "!": "", "\\": f";{GAP}"}
SYMBOLS |= dict.fromkeys([",", ";", ":", " "], " ")
# Commands that only shape what follows; that name a font; that put a mark on a letter.
SHAPES = {"left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "limits"}
SHAPES |= {"displaystyle", "textstyle"}
FONTS = {"mathrm", "operatorname", "mathbf", "mathbb", "mathcal", "mathsf", "boldsymbol"}
ACCENTS = {"tilde": "\u0303", "widetilde": "\u0303", "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304"}
ACCENTS |= {"overline": ACCENTS["bar"]}
DISPLAYED = re.compile(r"^( *)\.\. math:: *(.*(?:\n(?:\1 +.*| *(?=\n\1 )))*)", flags=re.MULTILINE)  # its first line on
WIDTH = 96
RAISED = str.maketrans("0123456789+-()abcdefghijklmnoprstuvwxyzT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ")
LOWERED = str.maketrans("0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
SCRIPTS = "".join(map(chr, [*RAISED.values(), *LOWERED.values()])) + "*′"


def plain_formula(latex: str) -> str:
    r"""Return a formula as plain text.

    Examples
    --------
    >>> plain_formula(r"\|C(x) - x\|^2 \le (1 - k/d)\,\|x\|^2")
    '‖C(x) - x‖² ≤ (1 - k/d) ‖x‖²'
    >>> plain_formula(r"x \leftarrow x - \gamma \tfrac1n \sum_i g_i(x_{t+1})")
    'x ← x - γ 1/n Σᵢ gᵢ(xₜ₊₁)'
    >>> plain_formula(r"\frac{a + b}{\sqrt{2d}}")
    '(a + b)/√(2d)'
    """
    tokens = re.findall(r"\\[A-Za-z]+|\\.|\s+|.", latex, flags=re.DOTALL)
    text = "".join(_pieces(iter([token if token.strip() else " " for token in tokens])))
    text = re.sub(r"(?<=[^\s([{‖|,⌊⌈^_/])([-+=<>])(?=\S)", r" \1 ", re.sub(rf"{GLUE} *", "", text))
    text = re.sub(r" *([,.;)])", r"\1", re.sub(r" +", " ", text))
    return re.sub(rf" *{GAP}[ {GAP}]*", "   ", text).strip()


def plain_text(text: str) -> str:
    r"""Return a text whose formulas, between dollar signs or in ``:math:`` roles, are plain text.

    Examples
    --------
    >>> plain_text(r"for :math:`\gamma \le 1/L` and $x_0$")
    'for γ ≤ 1/L and x₀'
    """
    text = re.sub(r":math:`([^`]*)`", lambda found: plain_formula(found[1]), text)
    text = re.sub(r"\$\$?([^$]+)\$\$?", lambda found: plain_formula(found[1]), text)
    return re.sub(r"``?([^`]*)``?", r"\1", DISPLAYED.sub(_block, text))


def _block(found: re.Match[str]) -> str:
    """Return a ``.. math::`` block, indented; where it is long, what stands apart gets a line of its own."""
    formula = plain_formula(found[2])
    parts = [formula] if len(formula) <= WIDTH else formula.split("   ")
    lines = "\n".join(textwrap.fill(part, WIDTH, subsequent_indent="    ") for part in parts)
    return textwrap.indent(lines, found[1] + "    ")


def _pieces(tokens: Iterator[str], end: str | None = None) -> Iterator[str]:
    """Go through tokens up to `end` and yield their plain text."""
    for token in tokens:
        if token == end:
            return
        yield _piece(token, tokens)


def _piece(token: str, tokens: Iterator[str]) -> str:
    if token == "{":
        return "".join(_pieces(tokens, "}"))
    if token in "^_":
        return _script(token, _argument(tokens))
    if token == "&":
        return " "
    if not token.startswith("\\"):
        return token
    name = token[1:]
    if name in SYMBOLS:
        return SYMBOLS[name]
    if name in ("frac", "tfrac", "dfrac"):
        return f"{_grouped(_argument(tokens))}/{_grouped(_argument(tokens))}"
    if name == "sqrt":
        return f"√{_grouped(_argument(tokens))}"
    if name == "binom":
        return f"C({_argument(tokens)}, {_argument(tokens)})"
    if name in ("begin", "end"):
        _argument(tokens)
        return " "
    if name == "text":  # its spaces count
        return _piece(next(tokens, ""), tokens)
    if name in FONTS:
        return f" {_argument(tokens)}"
    if name in ACCENTS:
        return _argument(tokens) + ACCENTS[name]
    if name in SHAPES:
        return ""
    return name


def _argument(tokens: Iterator[str]) -> str:
    """Return the plain text of the next group or single token."""
    token = next((token for token in tokens if token != " "), "")
    return _piece(token, tokens).strip() if token else ""


def _grouped(text: str) -> str:
    """Put parentheses around what is more than a number, a letter with its scripts, or a norm."""
    return text if re.fullmatch(rf"\d+|[^\W\d][{SCRIPTS}]*|√?\([^()]*\)|‖[^‖]*‖[{SCRIPTS}]*", text) else f"({text})"


def _script(mark: str, text: str) -> str:
    moved = text.translate(RAISED if mark == "^" else LOWERED)
    if text in ("*", "′", "ᵀ", "‖"):
        return text
    if all(old != new for old, new in zip(text, moved, strict=True)):
        return moved
    return mark + (text if len(text) == 1 or re.fullmatch(r"\([^()]*\)", text) else f"({text})")
