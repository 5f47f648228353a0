"""What a defense is: settings, and what they make of a data set and a model.

Training on noise, as a file of your own (`--defense my_module:NoiseTraining:eps=4`):

    from dataclasses import dataclass
    from typing import Annotated, ClassVar

    from advvid.defenses import Defense, read_budget
    from advvid.methods import Setting
    from advvid.random_streams import uniform


    @dataclass(frozen=True)
    class NoiseTraining(Defense):
        summary: ClassVar[str] = "uniform noise, no attack"
        passes: ClassVar[str] = "1"

        eps: Annotated[
            float, Setting("largest noise", unit="1/255", above=0, at_most=1, read=read_budget)
        ] = 8 / 255

        def prepare(self, data, *, seed=0):
            def step(model, clips, labels, context):
                noise = uniform(context.clip_seeds, clips.shape[1:], stream="noise training")
                logits = model((clips + self.eps * (2 * noise - 1)).clamp(0, 1))
                return context.criterion(logits, labels), logits

            return self.prepared(step, data, self.eps)
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from torch import nn

from advvid.data.clip_dataset import ClipDataset
from advvid.defenses.core.budgets import spell_budgets
from advvid.methods import check_settings, settings_of
from advvid.training.step import Step, StepTask, TrainStep
from advvid.training.task import Task


@dataclass(frozen=True)
class Prepared:
    """What `advvid.train` needs to train by a defense.

    Args:
        task: makes the task of a model; one of your own names the settings in `Task.describe`, so
            that a run is not resumed with others.
        data: clips that are left to train on; None where a loader gives the batches.
        eps: largest budget of PGD on whole clips that a model so trained is fairly measured at, a
            fraction of the pixel range; weights are chosen by it.
    """

    task: Callable[[nn.Module], Task]
    data: ClipDataset | None
    eps: float


class Defense(ABC):
    """A way to train a robust model; see the module for an example.

    A subclass is a frozen dataclass whose fields are its settings. Budgets are fractions of the
    pixel range in Python, and 1/255 in text.
    """

    summary: ClassVar[str]
    """One line for `advvid defenses`."""
    passes: ClassVar[str]
    """Cost of a step in forward and backward passes a clip; M is the number of attack steps."""

    def __post_init__(self) -> None:
        check_settings(self)

    @abstractmethod
    def prepare(self, data: ClipDataset | None, *, seed: int = 0) -> Prepared:
        """Make everything that is needed to train.

        Args:
            data: clips to train on; None where a loader gives the batches.
            seed: of whatever is chosen among them.

        Raises:
            InputError: when settings and data do not go together.
        """

    def prepared(self, step: TrainStep | Step, data: ClipDataset | None, eps: float) -> Prepared:
        """Give the usual result: one classifier, one step; see `Prepared`."""
        return Prepared(partial(StepTask, step=step, name=repr(self)), data, eps)

    @classmethod
    def default_eps(cls) -> str:
        """Format the default budget in 1/255; "" for a defense that has none."""
        setting = settings_of(cls).get("eps")
        return "" if setting is None else spell_budgets(setting.default)
