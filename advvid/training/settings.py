"""What a training run is set to."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from advvid.errors import InputError
from advvid.inference.devices import Precision

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["cosine", "step", "constant"]
BatchNorm = Literal["train", "eval"]

_WORDS = {
    "optimizer": get_args(Optimizer),
    "schedule": get_args(Schedule),
    "batch_norm": get_args(BatchNorm),
    "precision": get_args(Precision),
}
_MILESTONES = (0.5, 0.75)
_FLAGS = ("sync_batch_norm", "grad_checkpointing", "channels_last", "compile")
# How fast a run goes and how often it saves may change at a resume; nothing else may.
_FREE = ("workers", "checkpoint_every")


@dataclass(frozen=True)
class TrainSettings:
    """Settings of a training run; all but the last two decide which weights come out.

    Args:
        epochs: passes over the training clips, at least 1.
        batch_size: clips in a step, over all processes together, at least 1.
        optimizer: "adamw", or "sgd" with momentum 0.9.
        lr: peak learning rate, above 0.
        weight_decay: at least 0; matrices and filters only, not biases and normalization.
        schedule: of the learning rate after the warmup: "cosine" down to 0, "step" (a tenth at each
            milestone), or "constant".
        milestones: shares of the run, in (0, 1), at which "step" divides the rate by 10.
        warmup_epochs: epochs of linear rise to `lr`, at least 0, below `epochs`; may be a fraction.
        label_smoothing: share of the target spread over all classes, in [0, 1).
        grad_clip: largest gradient norm, above 0; None for no clipping.
        head_lr: the classifier's learning rate as a multiple of `lr`, above 0.
        batch_norm: "train" normalizes by the batch and moves the running statistics; "eval" keeps
            and uses the statistics that the model came with.
        bn_momentum: weight of a batch in the running statistics, in (0, 1]; None keeps the model's
            own, which is 0.1 in PyTorch and 0.01 in networks that come from TensorFlow.
        precision: "float32", or "bf16" for bfloat16 autocast.
        accumulate: parts that a process computes its share of a batch in, one after another, to
            save memory; the gradient is that of the whole batch.
        sync_batch_norm: normalize by the batch of all processes, not by each one's share.
        grad_checkpointing: compute the activations of blocks again in the backward pass, to save
            memory.
        channels_last: lay weights and clips out with channels last, which is often faster.
        compile: run the model through `torch.compile`.
        ema: decay, in (0, 1), of an exponential moving average of the weights, which is what is
            measured and kept; None keeps the trained weights themselves.
        patience: stop after so many epochs without a better score on the validation clips, and
            keep the best weights; None goes on to the end.
        seed: of order, augmentation and dropout, at least 0.
        workers: processes that load clips; 0 loads in the training process.
        checkpoint_every: steps between checkpoints within an epoch; 0 saves at epoch ends only.

    Raises:
        InputError: naming the setting that is out of range.
    """

    epochs: int = 10
    batch_size: int = 16
    optimizer: Optimizer = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: Schedule = "cosine"
    milestones: tuple[float, ...] = _MILESTONES
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    grad_clip: float | None = None
    head_lr: float = 1.0
    batch_norm: BatchNorm = "train"
    bn_momentum: float | None = None
    precision: Precision = "float32"
    accumulate: int = 1
    sync_batch_norm: bool = False
    grad_checkpointing: bool = False
    channels_last: bool = False
    compile: bool = False
    ema: float | None = None
    patience: int | None = None
    seed: int = 0
    workers: int = 0
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        for name, choices in _WORDS.items():
            if (value := getattr(self, name)) not in choices:
                raise InputError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
        for name, least in (
            ("epochs", 1),
            ("batch_size", 1),
            ("accumulate", 1),
            ("patience", 1),
            ("seed", 0),
            ("workers", 0),
            ("checkpoint_every", 0),
        ):
            value = getattr(self, name)
            if name == "patience" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be a whole number from {least} on; got {value!r}")
        for name in _FLAGS:
            if not isinstance(value := getattr(self, name), bool):
                raise InputError(f"{name} must be True or False; got {value!r}")
        if self.milestones != _MILESTONES and self.schedule != "step":
            raise InputError(f"milestones go with the schedule step; got {self.schedule!r}")
        if not all(0 < share < 1 for share in self.milestones):
            raise InputError(f"milestones must be above 0 and below 1; got {self.milestones}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise InputError(f"ema must be above 0 and below 1; got {self.ema!r}")
        for name, most in (
            ("lr", math.inf),
            ("head_lr", math.inf),
            ("grad_clip", math.inf),
            ("bn_momentum", 1),
        ):
            value = getattr(self, name)
            if value is not None and not (0 < value <= most and math.isfinite(value)):
                raise InputError(f"{name} must be above 0 and at most {most}; got {value!r}")
        for name, end in (
            ("weight_decay", math.inf),
            ("label_smoothing", 1),
            ("warmup_epochs", self.epochs),
        ):
            if not 0 <= (value := getattr(self, name)) < end:
                raise InputError(f"{name} must be at least 0 and below {end}; got {value!r}")

    def identity(self) -> dict[str, object]:
        """Name and value of every setting that must be the same to resume a run."""
        return {name: value for name, value in asdict(self).items() if name not in _FREE}


def check_same_run(saved: Mapping[str, object], asked: Mapping[str, object]) -> None:
    """Refuse to go on with a run under other settings than it was started with.

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
