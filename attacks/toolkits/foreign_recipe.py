"""What has to be known of another toolkit's attack so that it runs on clips."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advvid.attacks.core.video_attack import Access, Norm
from advvid.attacks.toolkits.folded_clips import Fold


@dataclass(frozen=True)
class Recipe:
    """How one attack of another toolkit is run.

    Args:
        bound: what it bounds, in words.
        norm: see `Norm`.
        access: see `Access`.
        attack: name of its class; "" is the name of the recipe.
        fold: how it sees clips.
        step: its step size as a fraction of the budget; None is the law.
        defaults: settings that differ from those of the toolkit.
        targets: whether it can be targeted.
        probabilities: it wants probabilities where others want logits.
        square: it takes square frames only.
        labels: it takes true labels; False lets it choose by itself.
        one_by_one: it takes a single clip at a time.
    """

    bound: str = "Linf"
    norm: Norm = "Linf"
    access: Access = "white box"
    attack: str = ""
    fold: Fold = "channels"
    step: float | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    targets: bool = False
    probabilities: bool = False
    square: bool = False
    labels: bool = True
    one_by_one: bool = False
