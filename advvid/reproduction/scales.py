"""At which size a table is reproduced: model, clips, training, evaluation."""

from dataclasses import dataclass, field, replace
from typing import Any

from advvid.checks import check_count
from advvid.errors import InputError, shown
from advvid.training.settings import TrainSettings


@dataclass(frozen=True)
class Scale:
    """Everything but the defense, the same for all rows.

    Args:
        model: spec.
        data: spec; None has to be given.
        weights: to start from; None are those that come with the model.
        reading: further arguments of `load_dataset`, such as frames and size.
        settings: of the training.
        attack_steps: of the training attacks.
        attack_batch_norm: of the model while it is attacked in training.
        held_out: training clips that adaptive training measures losses on; None is a tenth.
        val_eps: budget, in 1/255, of the PGD that measures the generalization gap after each epoch.
        val_clips: clips that it attacks.
        keep_best: keep the weights that are best under it; the paper reports the last ones.
        clips: test clips of the PGD columns; None takes all.
        auto_attack: of the AutoAttack columns, as text.
        auto_clips: test clips of the AutoAttack columns.
        steps: of PGD in the columns.
    """

    model: str
    data: str | None
    weights: str | None
    settings: TrainSettings
    attack_steps: int = 5
    attack_batch_norm: str = "eval"
    held_out: int | None = None
    val_eps: float = 8.0
    val_clips: int = 100
    keep_best: bool = False
    clips: int | None = None
    auto_attack: str = "autoattack"
    auto_clips: int = 100
    steps: int = 20
    reading: dict[str, Any] = field(default_factory=dict)


SCALES: dict[str, Scale] = {
    # Ten passes over 2,000 generated clips, from the bundled weights in the place of those from
    # Kinetics: about an hour on two cores.
    "small": Scale(
        model="motions-r3d",
        data="motions:2000",
        weights=None,
        settings=TrainSettings(
            epochs=10, batch_size=32, lr=2e-3, weight_decay=0.05, warmup_epochs=0.5
        ),
        val_eps=4.0,
        held_out=100,
        clips=300,
        auto_clips=50,
    ),
    # The recipe of the paper and of its authors' code: SGD 5e-4, a tenth from epoch 7 on.
    "ucf101": Scale(
        model="resnext3d-101",
        data=None,
        weights=None,
        settings=TrainSettings(
            epochs=10,
            batch_size=128,
            optimizer="sgd",
            lr=5e-4,
            weight_decay=1e-5,
            schedule="step",
            milestones=(0.7,),
        ),
        attack_batch_norm="train",
        held_out=1000,
        val_clips=500,
    ),
}
"""By the names of the command line."""


def read_scale(
    scale: str | Scale,
    *,
    data: str | None = None,
    weights: str | None = None,
    epochs: int | None = None,
    clips: int | None = None,
    autoattack_clips: int | None = None,
    keep: str = "last",
    **training: Any,
) -> Scale:
    """Find a scale and change what is not None.

    Args:
        scale: as all others but `training`, see `reproduce`.
        training: further settings of the training.

    Raises:
        InputError: for an unknown scale, a number out of range, or data or weights that are
            missing.
    """
    if isinstance(scale, str) and scale not in SCALES:
        raise InputError(f"scale takes {' or '.join(SCALES)}; got {shown(scale)}")
    counts = {"epochs": epochs, "clips": clips, "autoattack_clips": autoattack_clips}
    for name, count in counts.items():
        if count is not None:
            check_count(name, count)
    if keep not in ("last", "best"):
        raise InputError(f"keep takes last or best; got {shown(keep)}")
    found = SCALES[scale] if isinstance(scale, str) else scale
    if epochs is not None:
        training["epochs"] = epochs
    found = replace(
        found,
        settings=replace(found.settings, **training),
        data=data or found.data,
        weights=weights or found.weights,
        clips=clips or found.clips,
        auto_clips=autoattack_clips or found.auto_clips,
        keep_best=keep == "best",
    )
    if found.data is None or (scale == "ucf101" and found.weights is None):
        raise InputError(
            f"the scale {shown(scale)} needs `data=ucf101:DIR` and `weights=FILE`, the "
            "Kinetics-700 checkpoint that training starts from"
        )
    return found
