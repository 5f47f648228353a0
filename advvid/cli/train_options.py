"""Options of `advvid train` that say how a model is trained."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from advvid.cli.catalogue import methods
from advvid.cli.options import CLIPS, OUTPUT, ReadingOptions, option
from advvid.cli.setting_options import setting_option

TRAINING, SCALE = "Training", "Scale"

_PANELS = {
    "accumulate": SCALE,
    "sync_batch_norm": SCALE,
    "grad_checkpointing": SCALE,
    "channels_last": SCALE,
    "compile": SCALE,
    "checkpoint_every": OUTPUT,
}
_PLACEHOLDERS = {"epochs": "N", "batch_size": "B", "accumulate": "K", "ema": "DECAY"}
# These are options of every command.
_SHARED = ("precision", "seed", "workers")

Nodes = Annotated[int, option("--nodes", "M", "Machines; start each by torchrun.", SCALE)]


@dataclass(frozen=True)
class TrainReadingOptions(ReadingOptions):
    """How clips are read to train on."""

    flip: Annotated[
        bool,
        option("--flip/--no-flip", None, "Mirror half of the training clips (videos only).", CLIPS),
    ] = True
    augment: Annotated[
        list[str] | None,
        option(
            "--augment",
            "NAME",
            "Augment training clips by this, in place of what the data set does: crop, flip, roll, "
            "permute-colors or package.module:Class, with :KEY=VALUE,... behind. Repeatable.",
            CLIPS,
        ),
    ] = None

    @property
    def config(self) -> dict[str, Any]:
        """All of them; none given leaves the augmentations of the data set."""
        return {**vars(self), "augment": self.augment or None}


def training_options() -> Iterator[inspect.Parameter]:
    """Make options of the settings of a training run."""
    for name, setting in (methods("options")["training"] or {}).items():
        if name not in _SHARED:
            yield setting_option(
                setting, panel=_PANELS.get(name, TRAINING), metavar=_PLACEHOLDERS.get(name)
            )
