"""Somebody else's defense, as `--defense tests.cli.noise_defense:NoiseTraining` names it."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

from advvid.data import ClipDataset
from advvid.defenses import Defense, Prepared
from advvid.defenses.core.budgets import read_budget
from advvid.methods import Setting
from advvid.random_streams import uniform


@dataclass(frozen=True)
class NoiseTraining(Defense):
    """Train on clips with uniform noise."""

    summary: ClassVar[str] = "uniform noise, no attack"
    passes: ClassVar[str] = "1"

    strength: Annotated[
        float, Setting("largest noise", "1/255", above=0, at_most=1, read=read_budget)
    ] = 8 / 255

    def prepare(self, data: ClipDataset | None, *, seed: int = 0) -> Prepared:
        """Make a step that adds noise."""

        def step(
            model: nn.Module, clips: Tensor, labels: Tensor, context: Any
        ) -> tuple[Tensor, Tensor]:
            noise = uniform(context.clip_seeds, clips.shape[1:], stream="noise training")
            logits = model((clips + self.strength * (2 * noise - 1)).clamp(0, 1))
            return context.criterion(logits, labels), logits

        return self.prepared(step, data, self.strength)
