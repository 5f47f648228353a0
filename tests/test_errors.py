"""Messages are one line of bearable length, and name no options of the command line."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid.attacks.spec import parse_attack
from advvid.checks import check_count
from advvid.defenses import read_defense
from advvid.errors import InputError, one_line, shown, shown_name
from advvid.evaluation.conditions.suites import expand
from advvid.methods import split_text
from tests.test_architecture import TREES, room


@given(st.text() | st.text(alphabet="\n\r\x1b\0\u2028\ud800 ab", min_size=1))
def test_any_message_prints_as_one_line(text: str) -> None:
    assert str(InputError(text)).isprintable() or str(InputError(text)) == ""


def test_long_words_and_lines_are_cut_and_their_ends_kept() -> None:
    line = str(InputError(f"cannot read {'x' * 100_000}.mp4: no video"))
    assert len(line) < 400
    assert line.endswith(".mp4: no video")
    assert len(one_line("a b " * 10_000)) <= 2000
    path = "/a/folder/" + "name-" * 30 + "clip.mp4"
    assert one_line(f"no such file: {path}") == f"no such file: {path}"
    assert one_line("two  blanks in a name.mp4") == "two  blanks in a name.mp4"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a", "'a'"),
        (0.1, "0.1"),
        (10**5000, "a whole number of about 4983 digits"),
        ([10**5000], "a list"),
        ("\x1b[31m\n", r"'\x1b[31m\n'"),
        (Broken(), "Broken"),
        (list(range(1000)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...]"),
    ],
    ids=["text", "float", "huge", "list of huge", "escape", "broken", "long"],
)
def test_values_are_shown_short(value: object, wanted: str) -> None:
    assert wanted in shown(value)
    assert len(shown(value)) <= 82
    assert len(shown("x" * 100_000)) <= 82
    assert shown_name("pgd") == "pgd"
    assert shown_name("a b") == "'a b'"
    with pytest.raises(InputError):
        check_count("steps", value)  # type: ignore[arg-type]


HOSTILE = [
    "²",
    "pgd:max_iter=²",
    "pgd:max_iter=٣",
    "pgd:max_iter=1_000",
    "pgd:max_iter=" + "9" * 5000,
    "pgd:eps=" + "9" * 5000,
    "pgd:eps=1e309",
    "pgd:eps=\0",
    "pgd:\ud800=1",
    "pgd:eps_step=\ud800.json",
    "pgd:eps_step=\0.json",
    "pgd:eps_step=" + "x" * 10_000 + ".json",
    "masked-pgd:size=²x3",
    "masked-pgd:size=" + "9" * 5000 + "x1",
    "masked-pgd:corner=1x" + "9" * 50,
    "pgd:" + "[" * 50_000,
    "pgd:" + "[" * 50_000 + "]" * 50_000,
    "pgd:" + "x" * 100_000 + "=1",
    "x" * 100_000,
    "x" * 100_000 + ".y:Z",
    "x.y:" + "Z" * 100_000,
    "art/" + "x" * 100_000,
    ":",
    "=",
    "\n",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_one_short_line(text: str) -> None:
    defense = f"at:attack=[{text}]" if text.count("[") == text.count("]") else text
    for read in (parse_attack, lambda text: expand([text]), lambda _: read_defense(defense)):
        with pytest.raises(InputError) as caught:
            read(text)
        assert len(str(caught.value)) < 1200
        assert str(caught.value).isprintable()


@given(
    st.text(max_size=30)
    | st.builds(
        "{}:{}={}".format,
        st.sampled_from(["pgd", "masked-pgd", "flickering", "frame-saliency", "sparse", "square"]),
        st.sampled_from(["eps", "eps_step", "max_iter", "size", "ratio", "loss", "targeted"]),
        st.text(max_size=10),
    )
)
def test_any_text_is_an_attack_or_one_line(text: str) -> None:
    for read in (split_text, parse_attack):
        try:
            read(text)
        except InputError as error:
            line = str(error)
        else:
            line = "read"
        assert line.isprintable()


def test_messages_of_the_library_name_no_option_of_the_command_line() -> None:
    """They name settings in backquotes; only whole commands, `advvid train --x`, are quoted."""
    option = re.compile(r"(?<![\w-])--[a-z]")
    wrong = []
    for name, tree in TREES.items():
        if room(name) == "cli":
            continue
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "InputError":
                parts = [n.value for n in ast.walk(call) if isinstance(n, ast.Constant)]
                text = "".join(part for part in parts if isinstance(part, str))
                # Options of another command, such as torchrun, are named as they are.
                if option.search(re.sub(r"`advvid [^`]*`|torchrun .*", "", text)):
                    wrong.append(f"{name}: {text[:80]}")
    assert wrong == []
