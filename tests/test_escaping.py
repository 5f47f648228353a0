import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid.escaping import for_csv, for_figure, for_latex, for_markdown, visible

HOSTILE = "\x1b[31mred\x1b]0;title\x07\r\n|=cmd\u202e\udcff"


def test_escape_sequences_are_spelled() -> None:
    shown = visible(HOSTILE)
    assert shown == "\\x1b[31mred\\x1b]0;title\\x07\\r\\n|=cmd\\u202e\\udcff"
    assert shown.encode()


@pytest.mark.parametrize("name", ["pgd:max_iter=3", "Käsekuchen 3", "देवनागरी", "走る", "a\u200db"])
def test_harmless_names_stay_as_they_are(name: str) -> None:
    assert visible(name) == for_figure(name) == for_csv(name) == name
    assert for_markdown(name) == name


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert not any(c < " " or "\x7f" <= c < "\xa0" for c in shown)
    assert visible(shown) == shown


def test_markdown_keeps_its_cells_and_reads_the_same() -> None:
    assert for_markdown("a|b") == "a\\|b"
    assert for_markdown("<img src=x> [a](b) *c* `d` $e$ &lt;") == (
        "\\<img src=x\\> \\[a\\](b) \\*c\\* \\`d\\` \\$e\\$ \\&lt;"
    )
    # Underscores inside words are no emphasis.
    assert for_markdown("_a_ max_iter") == "\\_a\\_ max_iter"


@pytest.mark.parametrize(
    "formula", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", " =1", "\uff1d1"]
)
def test_formulas_are_text_in_a_spreadsheet(formula: str) -> None:
    assert for_csv(formula).startswith("'")


def test_a_line_of_csv_stays_one_line() -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([for_csv('a,b\n"c"\x1b'), 1])
    assert text.getvalue() == '"a,b\\n""c""\\x1b",1\n'


def test_latex_sets_every_character() -> None:
    assert for_latex("50% of a_b & {c} #1 $x^2$ ~ \\d <e|f>") == (
        r"50\% of a\_b \& \{c\} \#1 \$x\textasciicircum{}2\$ \textasciitilde{} "
        r"\textbackslash{}d \textless{}e\textbar{}f\textgreater{}"
    )
