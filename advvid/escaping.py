r"""Names from outside, such as those of files, as each kind of output can hold them.

A name of a file, a class or an attack may hold anything: escape sequences that a terminal obeys,
the bars of a table, a formula, the dollars of mathematics. Whatever shows a name passes it through
the function of its output here; what is harmless comes back as it is.
"""

import re
import unicodedata

# Control characters, those that turn the direction of writing or are not seen, halves of a pair,
# separators of lines and paragraphs.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"
"""Written in words of several scripts, and in emoji."""

_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_])")
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # Behind the end of a line of a table they would be an argument of it.
    "[": "{[}",
    "]": "{]}",
    **{character: f"\\{character}" for character in "{}$&#%_"},
}


def visible(text: object) -> str:
    r"""Spell what a terminal would obey or hide, line ends too, as Python does: \x1b, \n, \u202e.

    The result is one line, and can be printed and encoded.
    """
    spelled = str(text)
    if spelled.isprintable():
        return spelled
    return "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in _HIDDEN and c not in _JOINERS
        else c
        for c in spelled
    )


def for_markdown(text: object) -> str:
    """Give a text that stays in its cell of a Markdown table, and reads as it is."""
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}", visible(text))


def for_csv(text: str) -> str:
    """Give a text that no spreadsheet takes for a formula: one that looks like it gets a quote.

    Commas and quotes are left to the writer of the file.
    """
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def for_latex(text: object) -> str:
    """Give a text that LaTeX sets as it is."""
    return "".join(_LATEX.get(c, c) for c in visible(text))


def for_figure(text: object) -> str:
    """Give a text that matplotlib draws as it is: a dollar begins no mathematics."""
    return visible(text).replace("$", r"\$")
