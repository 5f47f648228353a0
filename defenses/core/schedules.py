"""Numbers that change while a model trains: budgets, step sizes, numbers of steps."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from advvid.errors import InputError, shown
from advvid.methods import check_settings
from advvid.methods.text import read_ascii_float

Kind = Literal["constant", "linear", "cosine", "list"]
Per = Literal["epoch", "iteration"]


@dataclass(frozen=True)
class Schedule:
    """A number as a function of progress.

    With k of K the epoch of all epochs (or the iteration of all iterations), from 0, and
    p = k / (K - 1): "constant" v_0; "linear" v_0 + (v_1 - v_0) p; "cosine"
    v_0 + (v_1 - v_0) (1 - cos(pi p)) / 2; "list" v_j with j = floor(n k / K), n values for equal
    shares of the run. With K = 1, p is 1: what a run is for is its end.

    Args:
        kind: see above.
        values: one for "constant", two (first and last) for "linear" and "cosine", any for "list".
        per: whether it changes from epoch to epoch or from iteration to iteration.

    Raises:
        InputError: for another kind, or another number of values.

    Source: the budgets of curriculum adversarial training, Kinfu and Vidal 2022, sec. 4.2.
    """

    kind: Kind
    values: tuple[float, ...]
    per: Per = "epoch"

    def __post_init__(self) -> None:
        check_settings(self)
        wanted = {"constant": 1, "linear": 2, "cosine": 2}.get(self.kind)
        if len(self.values) != wanted if wanted else not self.values:
            raise InputError(
                f"a {self.kind} schedule has {wanted or 'at least 1'} value(s); got "
                f"{shown(self.values)}"
            )

    def smallest(self, epoch: int, epochs: int, steps: int) -> float:
        """Give the smallest number in force in an epoch of so many steps."""
        iterations = range(epoch * steps, (epoch + 1) * steps)
        return min(self.at(epoch, epochs, one, epochs * steps) for one in iterations)

    def at(self, epoch: int, epochs: int, iteration: int = 0, total: int = 1) -> float:
        """Give the number in force.

        Args:
            epoch: 0 to epochs - 1.
            epochs: K, where it changes with the epochs.
            iteration: counted from the start of the run, 0 to total - 1.
            total: K, where it changes with the iterations.
        """
        done, count = (epoch, epochs) if self.per == "epoch" else (iteration, total)
        if self.kind == "constant":
            return self.values[0]
        if self.kind == "list":
            return self.values[min(done * len(self.values) // count, len(self.values) - 1)]
        first, last = self.values
        share = done / (count - 1) if count > 1 else 1.0
        if self.kind == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return first + (last - first) * share

    def __str__(self) -> str:
        """Format it as `read_schedule` reads it."""
        kind = "" if self.kind == "constant" else f"{self.kind}:"
        per = "" if self.per == "epoch" else f"@{self.per}"
        return kind + ":".join(f"{value:.9g}" for value in self.values) + per

    def scaled(self, factor: float) -> "Schedule":
        """Multiply all values, from 1/255 to fractions for example."""
        return replace(self, values=tuple(value * factor for value in self.values))


def as_schedule(value: "float | Schedule") -> Schedule:
    """Turn a number into a schedule that stays there."""
    return value if isinstance(value, Schedule) else Schedule("constant", (float(value),))


def check_steps(steps: int | Schedule) -> None:
    """Refuse numbers of attack steps that are not whole, or below 1.

    Raises:
        InputError: with what came.
    """
    for value in as_schedule(steps).values:
        if isinstance(steps, bool) or value < 1 or value != round(value):
            raise InputError(f"attack steps (max_iter) are whole numbers from 1 on; got {value:g}")


def read_schedule(text: str) -> Schedule:
    """Read "8", "linear:0:12", "cosine:0:12" or "list:0:4:8:12", with "@iteration" at its end.

    Raises:
        InputError: when it is none of these.
    """
    body, _, per = text.partition("@")
    kind, *numbers = body.split(":")
    if not numbers:
        kind, numbers = "constant", [body]
    try:
        values = tuple(map(read_ascii_float, numbers))
        return Schedule(kind, values, per or "epoch")  # type: ignore[arg-type]
    except ValueError as error:
        raise InputError(
            f"{shown(text)} is neither a number nor a schedule such as linear:0:12, cosine:0:12 or "
            "list:0:4:8:12, with @iteration behind it to change within epochs"
        ) from error
