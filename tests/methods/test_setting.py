from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid.errors import InputError
from advvid.methods import Setting, check_setting, check_settings, settings_of

Ratio = Annotated[float, Setting("share of the frame", above=0, at_most=1)]


@dataclass(frozen=True)
class Patch:
    ratio: Ratio = 0.15
    steps: Annotated[int, Setting("gradient steps", at_least=1)] = 20
    size: Annotated[tuple[int, int] | None, Setting("rows and columns", at_least=1)] = None
    kind: Annotated[Literal["up", "down"], Setting("direction")] = "up"
    budgets: Annotated[tuple[float, ...], Setting("budgets", at_least=0)] = field(
        default_factory=lambda: (0.0, 1.0)
    )
    note: str = "no setting"


@dataclass(frozen=True)
class Border(Patch):
    ratio: Ratio = 0.3
    early: Annotated[bool, Setting("stop early")] = False


def test_settings_come_in_order_with_defaults_and_a_child_changes_one() -> None:
    assert list(settings_of(Patch)) == ["ratio", "steps", "size", "kind", "budgets"]
    assert list(settings_of(Border)) == [*settings_of(Patch), "early"]
    assert settings_of(Patch)["ratio"].default == 0.15
    assert settings_of(Border)["ratio"].default == 0.3
    assert settings_of(Patch)["budgets"].default == (0.0, 1.0)
    assert settings_of(Patch)["ratio"].about.help == "share of the frame"


def test_settings_of_a_function_are_those_of_its_parameters() -> None:
    def patch(clips: Any, *, ratio: Ratio = 0.2) -> Any:
        return clips, ratio

    assert {n: s.default for n, s in settings_of(patch).items()} == {"ratio": 0.2}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ratio": 0}, r"ratio must be above 0 and at most 1; got 0$"),
        ({"ratio": float("nan")}, "ratio must be above 0 and at most 1; got nan"),
        ({"ratio": "0.1"}, "ratio must be above 0 and at most 1; got '0.1'"),
        ({"ratio": True}, "ratio must be above 0 and at most 1; got True"),
        ({"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        ({"steps": 1.5}, "steps must be a whole number of at least 1; got 1.5"),
        ({"size": (0, 4)}, r"got \(0, 4\)"),
        ({"size": (1, 2, 3)}, r"got \(1, 2, 3\)"),
        ({"kind": "left"}, "kind must be one of up, down; got 'left'"),
        ({"budgets": (0.1, -1.0)}, "budgets must be .* at least 0; got"),
        ({"ratio": "x" * 10_000}, r"got 'x{70,80}\.\.\.'$"),
    ],
)
def test_what_cannot_be_is_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_settings(Patch(**values))


@given(st.floats(1e-9, 1))
def test_what_lies_in_the_range_passes(ratio: float) -> None:
    check_settings(Patch(ratio=ratio))
    check_setting("ratio", ratio, Ratio)


def test_a_check_of_its_own_takes_the_place_of_the_range() -> None:
    def refuse(value: Any) -> None:
        raise InputError(f"budgets are fractions; got {value}")

    budget = Annotated[float, Setting("budget", verify=refuse)]
    with pytest.raises(InputError, match="budgets are fractions; got 8"):
        check_setting("eps", 8.0, budget)
