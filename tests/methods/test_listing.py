from dataclasses import dataclass
from typing import Annotated, Any, Literal

from torch import Tensor

from advvid.methods import Setting, SettingRow, setting_rows, settings_of


@dataclass
class Method:
    eps: Annotated[float | Tensor, Setting("budget", unit="of 1", above=0, at_most=1)] = 8 / 255
    size: Annotated[tuple[int, int] | None, Setting("rows and columns", at_least=1)] = None
    kind: Annotated[Literal["up", "down", "left"], Setting("direction")] = "up"
    budgets: Annotated[tuple[float, ...], Setting("budgets")] = (0, 0.5)
    early: Annotated[bool, Setting("stop early")] = False
    hidden: Annotated[Any, Setting("no text can hold it")] = None


def test_settings_are_rows_of_words() -> None:
    assert setting_rows(settings_of(Method)) == [
        SettingRow("eps", "number", "8/255", "of 1", "above 0 and at most 1", "budget"),
        SettingRow("size", "two numbers, as 12x16", "", "", "at least 1", "rows and columns"),
        SettingRow("kind", "up, down or left", "up", "", "", "direction"),
        SettingRow("budgets", "number or several, as a/b", "0/0.5", "", "", "budgets"),
        SettingRow("early", "yes or no", "no", "", "", "stop early"),
    ]
