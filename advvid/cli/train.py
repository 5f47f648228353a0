"""`advvid train`."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from advvid.cli import options
from advvid.cli.catalogue import check_data, check_method, check_options, methods
from advvid.cli.defense_options import CheckOptions, Name, defense_options, read_defense
from advvid.cli.options import CLIPS, OUTPUT, option
from advvid.cli.resumable import RunOptions, resumable
from advvid.cli.setting_options import FromSettings, grouped, read_options, setting_option
from advvid.errors import InputError
from advvid.runs.terminal import say

if TYPE_CHECKING:
    from pathlib import Path

    from advvid.training.records.history import History


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
class TrainReadingOptions(options.ReadingOptions):
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


@grouped
def train(
    *,
    model: options.ModelOptions,
    data: options.Data = None,
    reading: TrainReadingOptions,
    defense: Name = "none",
    defending: Annotated[dict[str, Any], FromSettings(defense_options)],
    check: CheckOptions,
    training: Annotated[dict[str, Any], FromSettings(training_options)],
    devices: options.Devices = 1,
    nodes: Nodes = 1,
    workers: options.Workers = 0,
    run: RunOptions,
) -> None:
    """Train or fine-tune a model, adversarially too, and measure it after each epoch.

    The classes come from the data: a classifier of another width is replaced by
    a new one. Trains on the train split and measures on val (for videos without
    one: the held-out test part).

    With --defense the weights of the epoch that is best under PGD are kept, not
    the last: adversarial training overfits.

    Writes weights (model.safetensors, for --weights), history.csv, history.json,
    figures and results.json after each epoch, and a checkpoint from which a
    killed run is resumed to the same weights.
    """
    # Before torch is imported: a typo should cost no time.
    run.check_folder(needs="checkpoint.pt")
    for spec in data or ():
        check_data(spec)
    check_options("training", training)
    check_method("defense", defense, also=("none",))
    for text in reading.augment or ():
        check_method("augmentation", text)
    from advvid.methods import settings_of
    from advvid.pairing import load_training
    from advvid.runs.fabric import check_devices
    from advvid.runs.launch import is_first_process
    from advvid.runs.run_folder import new_run_path
    from advvid.training import TrainSettings
    from advvid.training import train as train_model

    if run.resume and run.out is None:
        raise InputError("--resume needs the folder of the run: add --out DIR")
    # Before anything is loaded: an invalid argument should cost no time.
    settings = TrainSettings(
        **read_options("train", training, settings_of(TrainSettings)),
        precision=options.read_precision(model.precision),
        workers=workers,
        seed=run.seed,
    )
    check_devices(model.device, devices=devices, nodes=nodes)
    defended = read_defense(defense, defending)
    check.budget()
    video_model, train_data, val_data = load_training(
        model.model, options.read_data(data), **model.loading, seed=run.seed, **reading.config
    )
    made = None if defended is None else defended.prepare(train_data, seed=run.seed)
    robust = check.make(made, seed=run.seed)
    out = run.out or new_run_path("train")
    with resumable(out, needs="checkpoint.pt"):
        history = train_model(
            video_model,
            train_data if made is None or made.data is None else made.data,
            val_data,
            settings=settings,
            task=None if made is None else made.task,
            robust=robust,
            out=out,
            resume=run.resume,
            device=model.device,
            devices=devices,
            nodes=nodes,
            progress=True,
            config={
                **{name: v for name, v in model.loading.items() if v or name == "weights"},
                **{name: reading.config[name] for name in ("fold", "sampling", "flip", "augment")},
            },
        )
    if is_first_process():
        _report(history, len(train_data.classes), out)


def _report(history: "History", classes: int, out: "Path") -> None:
    """Say how it ended and what was left out."""
    from advvid.training.measuring.catastrophic_overfitting import onsets

    for warning in onsets(history.epochs):
        say(f"WARNING {warning}")
    kept = history.epochs[-1 if history.best_epoch is None else history.best_epoch - 1]
    if history.best_epoch is not None:
        say(f"kept the weights of epoch {kept.epoch} of {len(history.epochs)}")
    if kept.val_top1 is not None:
        say(f"validation top-1 {kept.val_top1:.3f} (chance {1 / classes:.3f})")
    if kept.val_robust_top1 is not None and kept.seen_robust_top1 is not None:
        say(
            f"under attack {kept.val_robust_top1:.3f}, on training clips "
            f"{kept.seen_robust_top1:.3f}; evaluate before you report: `advvid evaluate`"
        )
    if history.skipped:
        say(f"videos that cannot be read as they were recorded: {len(history.skipped)}")
    for video in history.skipped:
        say(f"  {video.line}")
    say(f"results: {out}")
