"""What a training run is set to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from advvid.errors import InputError
from advvid.inference.devices import Precision
from advvid.methods import Setting, check_settings

Optimizer = Literal["sgd", "adamw"]
LearningRateSchedule = Literal["cosine", "step", "constant"]
BatchNorm = Literal["train", "eval"]

_MILESTONES = (0.5, 0.75)
# How fast a run is and how often it saves may change at a resume; nothing else may.
_FREE = ("workers", "checkpoint_every")


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training run; all but the last two decide which weights come out.

    After a linear warmup the learning rate falls to 0 ("cosine"), by a tenth at each milestone
    ("step"), or not at all ("constant"). Batch norms in "train" normalize by the batch and update
    the running statistics; in "eval" they keep and use those that the model came with. The gradient
    of an accumulated batch is that of the whole batch. With `ema` the average is what is measured
    and kept. With `patience` the weights of the best epoch are kept.

    Raises:
        InputError: naming the setting that is out of range.
    """

    epochs: Annotated[int, Setting("passes over the clips", at_least=1)] = 10
    batch_size: Annotated[int, Setting("clips in a step, over all devices", at_least=1)] = 16
    optimizer: Annotated[Optimizer, Setting("adamw, or sgd (momentum 0.9)")] = "adamw"
    lr: Annotated[float, Setting("peak learning rate", above=0)] = 1e-3
    weight_decay: Annotated[
        float, Setting("weight decay, not for biases and normalization", at_least=0)
    ] = 0.01
    schedule: Annotated[
        LearningRateSchedule,
        Setting("learning rate: cosine, step (/ 10 at the milestones) or constant"),
    ] = "cosine"
    milestones: Annotated[
        tuple[float, ...], Setting("of the schedule step, as shares of the run", above=0, below=1)
    ] = _MILESTONES
    warmup_epochs: Annotated[
        float, Setting("epochs of linear rise to the peak learning rate", at_least=0)
    ] = 0.0
    label_smoothing: Annotated[
        float, Setting("share of the target spread over all classes", at_least=0, below=1)
    ] = 0.0
    grad_clip: Annotated[float | None, Setting("largest gradient norm", above=0)] = None
    head_lr: Annotated[
        float, Setting("learning rate of the classifier as a multiple of lr", above=0)
    ] = 1.0
    batch_norm: Annotated[
        BatchNorm, Setting("train, or eval: keep the statistics of the weights (small batches)")
    ] = "train"
    bn_momentum: Annotated[
        float | None,
        Setting(
            "weight of a batch in the statistics; None keeps the model's own", above=0, at_most=1
        ),
    ] = None
    precision: Annotated[Precision, Setting("float32, or bf16 for bfloat16 autocast")] = "float32"
    accumulate: Annotated[
        int, Setting("compute each batch in so many pieces, to save memory", at_least=1)
    ] = 1
    sync_batch_norm: Annotated[bool, Setting("normalize by the batch of all devices")] = False
    grad_checkpointing: Annotated[
        bool, Setting("compute activations again in the backward pass, to save memory")
    ] = False
    channels_last: Annotated[
        bool, Setting("lay clips and weights out channels last, which is often faster")
    ] = False
    compile: Annotated[bool, Setting("use torch.compile")] = False
    ema: Annotated[
        float | None,
        Setting("decay of a moving average of the weights, such as 0.999", above=0, below=1),
    ] = None
    patience: Annotated[
        int | None,
        Setting("stop after so many epochs without a better score", unit="epochs", at_least=1),
    ] = None
    seed: Annotated[int, Setting("of order, augmentation, attacks and dropout", at_least=0)] = 0
    workers: Annotated[
        int, Setting("processes that load clips; 0 loads in the training process", at_least=0)
    ] = 0
    checkpoint_every: Annotated[
        int, Setting("save within epochs too, not only after each", unit="steps", at_least=0)
    ] = 0

    def __post_init__(self) -> None:
        check_settings(self)
        if self.milestones != _MILESTONES and self.schedule != "step":
            raise InputError(f"milestones go with the schedule step; got {self.schedule!r}")
        if self.warmup_epochs >= self.epochs:
            raise InputError(
                f"warmup_epochs must be below epochs, {self.epochs}; got {self.warmup_epochs:g}"
            )

    def identity(self) -> dict[str, object]:
        """Name and value of every setting that must be the same to resume a run."""
        return {name: value for name, value in asdict(self).items() if name not in _FREE}


def check_same_run(saved: Mapping[str, object], asked: Mapping[str, object]) -> None:
    """Refuse to resume a run under other settings than those it was started with.

    Raises:
        InputError: naming each setting that differs, with both values.
    """
    names = list(dict.fromkeys([*saved, *asked]))
    differing = [
        f"{name} (run: {saved.get(name)}, now: {asked.get(name)})"
        for name in names
        if saved.get(name) != asked.get(name)
    ]
    if differing:
        raise InputError(
            f"cannot resume with other settings: {'; '.join(differing)}: use those of the run, or "
            "start another one in another folder"
        )
