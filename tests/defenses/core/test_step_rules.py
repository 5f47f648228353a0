from pathlib import Path

import pytest

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.defenses import Schedule, half, read_step_rule
from advvid.defenses.core.step_rules import step_size
from advvid.errors import InputError

EPS = 8 / 255


def step(text: str) -> float:
    rule = read_step_rule(text)
    assert isinstance(rule, StepSizeLaw)
    return rule(EPS)


def test_rules_of_the_paper() -> None:
    assert step("optimal") == pytest.approx(1.8 / 255)
    assert step("half") == pytest.approx(0.9 / 255)
    assert step("eps") == pytest.approx(EPS)


def test_numbers_and_multiples() -> None:
    assert step("2") == pytest.approx(2 / 255)
    assert step("1.25x") == pytest.approx(10 / 255)


def test_schedules_of_numbers() -> None:
    rule = read_step_rule("linear:4:0")
    assert rule == Schedule("linear", (4 / 255, 0.0))
    # Three epochs: 4, 2, and no less than a hundredth of the budget.
    assert [step_size(rule, EPS, (epoch, 3, 0, 1)) for epoch in range(3)] == pytest.approx(
        [4 / 255, 2 / 255, 0.01 * EPS]
    )
    assert step_size(PAPER_LAW, EPS, (0, 1, 0, 1)) is PAPER_LAW


def test_the_law_of_ones_own_model(tmp_path: Path) -> None:
    law = StepSizeLaw(0.1, 0.3)
    law.save(tmp_path / "law.json")
    assert step(str(tmp_path / "law.json")) == pytest.approx(1.1 / 255)
    assert step(f"half:{tmp_path / 'law.json'}") == pytest.approx(0.55 / 255)
    assert half(PAPER_LAW)(EPS) == pytest.approx(PAPER_LAW(EPS) / 2)


@pytest.mark.parametrize("text", ["best", "0", "-1x", "nan", "half:none.json", "none.json"])
def test_invalid_texts_are_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_step_rule(text)
    assert "\n" not in str(caught.value)
