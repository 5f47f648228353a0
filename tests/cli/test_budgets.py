"""Budgets as they are typed: 8, 8/255, and what was probably meant."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid import VideoClassifier, evaluate
from advvid.attacks import LinfPGD
from advvid.cli.numbers import read_budget, read_budgets
from advvid.defenses import read_defense
from advvid.defenses.core.budgets import read_budgets as read_training_budgets
from advvid.errors import InputError
from tests.cli.run_command import CommandRunner
from tests.clip_models import CLASSES, CLIP_SHAPE, random_clips, small_model

FRESH = ("--weights", "none", "--data", "motions:8", "--device", "cpu", "--epochs", "1")


@pytest.mark.parametrize(
    ("text", "levels"),
    [("8", [8]), ("8/255", [8]), ("0.5,4/255", [0.5, 4]), (" 4, 8 ", [4, 8]), ("255", [255])],
)
def test_levels_and_quotients_are_the_same(text: str, levels: list[float]) -> None:
    assert read_budgets(text) == [level / 255 for level in levels]


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "4,,8", "-1", "nan", "inf", "1e309", "²", "٣", "1_0", "8/255/2", "300/255"),
        *("256", "\0", "\ud800", "9" * 100_000, "4 8", "0x8", "[4]", "1j"),
    ],
)
def test_what_is_no_budget_is_one_short_line(text: str) -> None:
    for read in (read_budgets, read_budget, read_training_budgets):
        with pytest.raises(InputError) as caught:
            read(text)
        assert len(str(caught.value)) < 300
        assert str(caught.value).isprintable()


@given(st.text(max_size=8) | st.from_regex(r"[0-9./,e+-]{1,8}", fullmatch=True))
def test_any_text_is_a_budget_or_one_line(text: str) -> None:
    for read in (read_budgets, read_training_budgets):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(text)
            except InputError as error:
                line = str(error)
            else:
                line = ""
        assert line.isprintable() or not line


def test_a_small_budget_is_noted_with_what_was_probably_meant() -> None:
    for read in (read_budgets, lambda text: read_defense(f"at:eps={text}")):
        with pytest.warns(UserWarning, match=r"0\.03/255, less than half .* write 7\.65/255"):
            read("0.03")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for text in ("7.65", "0.5", "8/255"):
                read(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_defense("at:eps=linear:0.1:8")
        read_defense("cat:eps=8")
        read_budgets("0,4", zero=True)


def test_python_notes_small_budgets_where_clips_are_attacked() -> None:
    clips, labels = random_clips(2)
    classifier = VideoClassifier(small_model(), input_shape=CLIP_SHAPE, nb_classes=CLASSES)
    for run in (
        lambda: LinfPGD(classifier, eps=0.01 / 255, max_iter=1).generate(clips, labels),
        lambda: evaluate(classifier, clips, labels, attacks="random-noise", eps=[0.01 / 255]),
    ):
        with pytest.warns(UserWarning, match=r"0\.01/255, less than half"):
            run()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["attack", "--eps", "0.03", "--clips", "1", "--attack", "corner-noise"], "write 7.65/255"),
        (["attack", "--eps", "8/255", "--clips", "1", "--attack", "corner-noise"], ""),
    ],
)
def test_attack_takes_quotients_and_notes_small_budgets(
    advvid: CommandRunner, arguments: list[str], words: str
) -> None:
    with warnings.catch_warnings():
        # As after an import that changes filters: Python has forgotten what it has told.
        warnings.simplefilter("always")
        done = advvid(*arguments, "--weights", "none", "--out", "run")
    assert done.code == 0, done.err
    assert words in done.err
    assert done.err.count("write") == bool(words)  # once, though several look at it


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--defense", "at", "--eps", "0"], "eps 0 attacks nothing, which is plain training"),
        (["--defense", "fast", "--eps", "0"], "eps 0 attacks nothing"),
        (["--defense", "aat", "--eps", "0"], "eps 0 attacks nothing"),
        (["--defense", "aat", "--eps", "4,4"], "a budget is given twice: 4/4"),
        (["--defense", "at", "--eps", "4,4"], "one budget"),
        (["--defense", "at", "--eps", "-1"], "from 0 to 255"),
        (["--defense", "at", "--eps", "1e309"], "'1e309'"),
        (["--defense", "at", "--val-eps", "256"], "--val-eps takes budgets in 1/255"),
        (["--defense", "at", "--val-eps", "4,8"], "--val-eps takes one budget"),
        (["--defense", "at", "--val-eps", "x"], "--val-eps takes"),
        (["--epochs", "0"], "--epochs must be"),
        (["--defense", "aat", "--update-every", "0"], "--update-every must be"),
        (["--resume"], "--resume needs the folder of the run: add --out DIR"),
        (
            ["--defense", "aat:attack=[pgd]/[masked-pgd]", "--eps", "0/2/4/6/8/10/12"],
            "one budget is wanted, not 7",
        ),
        (
            ["--defense", "aat:attack=[square]/[corner-noise],attack_steps=3"],
            "attack_steps means nothing for square, corner-noise",
        ),
    ],
)
def test_training_refuses_budgets_by_the_option_that_was_typed(
    advvid: CommandRunner, arguments: list[str], words: str
) -> None:
    done = advvid("train", *FRESH, *arguments)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("option", ["--eps", "--attack", "--target", "--model", "--data"])
def test_a_long_value_is_cut(advvid: CommandRunner, option: str) -> None:
    done = advvid("attack", option, "²" * 100_000)
    assert done.code == 2
    assert 20 < len(done.err) < 1000
    assert len(done.err.strip().splitlines()) == 1


def test_a_setting_inside_a_text_is_not_named_as_an_option(advvid: CommandRunner) -> None:
    done = advvid("attack", "--attack", "pgd:eps=0", "--eps", "8")
    assert "pgd: eps must be" in done.err
