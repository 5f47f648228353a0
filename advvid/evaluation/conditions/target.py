"""Which class targeted attacks are to make each clip look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from advvid.evaluation.condition import Setup
from advvid.pairing import read_class
from advvid.random_streams import uniform

LEAST_LIKELY, RANDOM = WORDS = ("least-likely", "random")

_TARGETS = {LEAST_LIKELY: "its least likely class", RANDOM: "a class drawn for it"}


@dataclass(frozen=True)
class Target:
    """A class for each clip, which is not its label.

    Args:
        asked: "least-likely", "random", or the class, in words.
        number: of the class, where it is one for all clips.
    """

    asked: str
    number: int | None = None

    @classmethod
    def read(cls, given: Any, setup: Setup, names: Sequence[str] | None = None) -> "Target":
        """Read "least-likely", "random", or a class by its name or its number.

        Args:
            given: a text, a number, or a target, which is given back.
            setup: of what is attacked; its model says which classes there are.
            names: of the classes as the model counts them; None takes what the model tells.

        Raises:
            InputError: when there is no such class, with the nearest words and names.
        """
        if isinstance(given, Target):
            return given
        text = str(given)
        if text in WORDS:
            return cls(text)
        known = tuple(names or _names(setup))
        number = read_class(text, known, setup.classifier.nb_classes, also=WORDS)
        return cls(f"class {number}" + (f" ({known[number]})" if known else ""), number)

    @property
    def words(self) -> str:
        """What a clip is to look like."""
        return _TARGETS.get(self.asked, self.asked)

    def of(self, labels: Tensor, logits: Tensor, seeds: Tensor) -> Tensor:
        """Give the class that each clip is to look like.

        Args:
            labels: int64 (B,).
            logits: (B, K) of the clips as they are.
            seeds: int64 (B,), see `clip_seeds`.

        Returns:
            int64 (B,): not the label, except of a class that is one for all clips.
        """
        if self.number is not None:
            return torch.full_like(labels, self.number)
        if self.asked == LEAST_LIKELY:
            own = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
            return logits.masked_fill(own, torch.inf).argmin(dim=1)
        others = logits.shape[1] - 1
        drawn = (uniform(seeds.to(labels.device), (), stream="target").double() * others).long()
        # As many classes behind the label, which leads back to it after K.
        return (labels + 1 + drawn) % logits.shape[1]


def _names(setup: Setup) -> Sequence[str]:
    """Give the names of the classes, by the model or else by the data set; none where unknown."""
    owners = (setup.classifier.inner, getattr(setup.source, "dataset", None))
    known = (getattr(owner, "classes", None) for owner in owners)
    count = setup.classifier.nb_classes
    return next((n for n in known if isinstance(n, list | tuple) and len(n) == count), ())


GivenTarget = Target | str | int | None
"""See `Target.read`; None for attacks without target."""
