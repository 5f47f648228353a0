"""The linear law between budget and step size of PGD."""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, overload

from torch import Tensor

from advvid.errors import InputError, shown
from advvid.methods.arguments import checked
from advvid.methods.paths import is_there
from advvid.runs.files import write_text
from advvid.runs.stored import StoredError, read_json, restored


@checked
@dataclass(frozen=True)
class StepSizeLaw:
    """Optimal step size of PGD as a linear function of the budget.

    step * 255 = slope * (eps * 255) + intercept, floored at a hundredth of the budget so that no
    line, however steep, gives a step that is zero or negative.

    Args:
        slope: without unit.
        intercept: in 1/255 of the pixel range.
        slope_interval: 95% interval of the slope, where it was fitted.
        intercept_interval: 95% interval of the intercept, in 1/255.
        r_squared: share of the variance of the optimal steps that the line explains.
        source: where the law comes from.
        resolution: how far apart, as a share, the step sizes are that were measured around those
            it was fitted to; 0.1 is 10%.
    """

    slope: float
    intercept: float
    slope_interval: tuple[float, float] | None = None
    intercept_interval: tuple[float, float] | None = None
    r_squared: float | None = None
    source: str = ""
    resolution: float | None = None

    def __post_init__(self) -> None:
        """Refuse a line that gives no step."""
        for name, value in vars(self).items():
            numbers = value if isinstance(value, tuple | list) else (value,)
            if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
                raise InputError(f"{name} must be finite; got {shown(value)}")

    @overload
    def __call__(self, eps: float) -> float: ...
    @overload
    def __call__(self, eps: Tensor) -> Tensor: ...
    def __call__(self, eps: float | Tensor) -> float | Tensor:
        """Give the step size for a budget; both are fractions of the pixel range."""
        step = self.slope * eps + self.intercept / 255
        if isinstance(step, Tensor) and isinstance(eps, Tensor):
            return step.maximum(0.01 * eps)
        return max(float(step), 0.01 * float(eps))

    def __str__(self) -> str:
        """Spell the law out in 1/255."""
        sign = "-" if self.intercept < 0 else "+"
        return f"step = {self.slope:.3g} eps {sign} {abs(self.intercept):.3g}"

    @property
    def text(self) -> str:
        """The law as a text holds it, such as "0.2*eps+0.2/255"; `parse` reads it."""
        return f"{self.slope!r}*eps{self.intercept:+}/255"

    @classmethod
    def parse(cls, text: str) -> "StepSizeLaw | None":
        """Read what `text` spells; None when it is something else.

        Raises:
            ValueError: when slope or intercept is no finite number.
        """
        slope, times, rest = text.partition("*eps")
        if not times:
            return None
        intercept = rest.removesuffix("/255")
        law = cls(float(slope), float(intercept))
        signed = intercept != rest and intercept.startswith(("+", "-"))
        if not (signed and math.isfinite(law.slope) and math.isfinite(law.intercept)):
            raise ValueError(text)
        return law

    def save(self, path: str | Path) -> None:
        """Write the law as JSON, for `load` and the command line's `--law`.

        Raises:
            InputError: when the file cannot be written.
        """
        write_text(Path(path), json.dumps({"unit": "1/255", **asdict(self)}, indent=2) + "\n")

    @classmethod
    @checked
    def load(cls, path: str | Path) -> "StepSizeLaw":
        """Read a law that `save` wrote.

        Raises:
            InputError: when the file is missing or does not hold a law.
        """
        if not (is_there(path) and Path(path).is_file()):
            raise InputError(f"cannot read the law {path}: no such file")
        try:
            content = read_json(Path(path))
            known = {name: value for name, value in content.items() if name in _FIELDS}
            law = restored(cls, known)
            # JSON has no tuples, and 1 in place of 1.0.
            return replace(law, **{name: _floats(value) for name, value in vars(law).items()})
        except (StoredError, InputError) as error:
            raise InputError(
                f"{path} does not hold a step-size law ({error}): wanted JSON with slope and "
                "intercept, as written by `advvid sweep-step-size --law FILE`"
            ) from error


def _floats(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(float, value))
    return float(value) if isinstance(value, int) else value


_FIELDS = frozenset(StepSizeLaw.__dataclass_fields__)


PAPER_LAW = StepSizeLaw(0.2, 0.2, source="Kinfu and Vidal 2022, Fig. 2: 0.2 (eps + 1)")
"""The law that the paper found for a 3D ResNeXt-101 on UCF101, and the default everywhere."""


@dataclass(frozen=True)
class FallingStep:
    """A step that falls in equal parts to 0: alpha_i = min(eps, 1/2) (1 - i / M).

    The law of whole clips does not fit a patch: at eps 1 it is too coarse for the few pixels that
    there are, and at small budgets too small. No pixel is further than 1/2 from the middle of its
    range. docs/attacking.md has the measurements.
    """

    def __call__(self, eps: float | Tensor) -> float | Tensor:
        """Give the first step for a budget; both are fractions of the pixel range."""
        return eps.clamp(max=0.5) if isinstance(eps, Tensor) else min(float(eps), 0.5)


def resolve_step(step_size: float | StepSizeLaw | None, eps: float | Tensor) -> float | Tensor:
    """Turn a step size, a law, or None (the paper's law) into the step for this budget.

    Raises:
        InputError: when the step is not above 0, or not finite.
    """
    if step_size is None:
        step_size = PAPER_LAW
    if isinstance(step_size, StepSizeLaw):
        return step_size(eps)
    check_step(step_size)
    return step_size


def check_step(step_size: float | StepSizeLaw) -> None:
    """Refuse a step size that is not above 0 or not finite; a law is always one.

    Raises:
        InputError: naming what came.
    """
    if not isinstance(step_size, StepSizeLaw) and not 0 < step_size < math.inf:
        raise InputError(
            f"the step size must be above 0 and finite; got {step_size:g}: give a fraction such as "
            "1.8 / 255, or None for the law 0.2 (eps + 1)"
        )
