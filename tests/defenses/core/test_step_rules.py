from pathlib import Path

import pytest

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.defenses import half, read_step_rule
from advvid.errors import InputError

EPS = 8 / 255


def test_rules_of_the_paper() -> None:
    assert read_step_rule("optimal")(EPS) == pytest.approx(1.8 / 255)
    assert read_step_rule("half")(EPS) == pytest.approx(0.9 / 255)
    assert read_step_rule("eps")(EPS) == pytest.approx(EPS)


def test_numbers_and_multiples() -> None:
    assert read_step_rule("2")(EPS) == pytest.approx(2 / 255)
    assert read_step_rule("1.25x")(EPS) == pytest.approx(10 / 255)


def test_the_law_of_ones_own_model(tmp_path: Path) -> None:
    law = StepSizeLaw(0.1, 0.3)
    law.save(tmp_path / "law.json")
    assert read_step_rule(str(tmp_path / "law.json"))(EPS) == pytest.approx(1.1 / 255)
    assert read_step_rule(f"half:{tmp_path / 'law.json'}")(EPS) == pytest.approx(0.55 / 255)
    assert half(PAPER_LAW)(EPS) == pytest.approx(PAPER_LAW(EPS) / 2)


@pytest.mark.parametrize("text", ["best", "0", "-1x", "nan", "half:none.json", "none.json"])
def test_slips_are_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_step_rule(text)
    assert "\n" not in str(caught.value)
