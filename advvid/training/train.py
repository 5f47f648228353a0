"""The one training loop, on Lightning Fabric."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advvid.data.clip_dataset import ClipDataset
from advvid.data.video.bad_video import BadVideoError
from advvid.data.wrapping import as_dataset
from advvid.errors import InputError
from advvid.inference.probe import probe_model
from advvid.methods.arguments import checked
from advvid.runs.fabric import launch_fabric
from advvid.runs.progress import progress_bar
from advvid.training.batches import Batches, as_batches, default_settings
from advvid.training.loop import TrainingRun
from advvid.training.measuring.measures import NotFiniteError
from advvid.training.measuring.robust_check import RobustCheck
from advvid.training.networks import Networks, arranged
from advvid.training.records.folder import TrainingFolder
from advvid.training.records.history import History
from advvid.training.settings import TrainSettings, check_same_run
from advvid.training.state import TrainingState
from advvid.training.step import Step, TrainStep, clean_step, make_task
from advvid.training.task import Task


@checked
def train(
    model: nn.Module,
    train_data: "ClipDataset | Batches | Dataset[Any] | DataLoader[Any]",
    val_data: "ClipDataset | Dataset[Any] | DataLoader[Any] | None" = None,
    *,
    settings: TrainSettings | None = None,
    out: Path | None = None,
    resume: bool = False,
    step: TrainStep | Step = clean_step,
    task: Task | type[Task] | Callable[[nn.Module], Task] | None = None,
    robust: RobustCheck | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    device: str | torch.device = "auto",
    devices: int = 1,
    nodes: int = 1,
    progress: bool = False,
    config: Mapping[str, Any] | None = None,
) -> History:
    """Train a model in place.

    Order, augmentation, attacks and dropout are functions of (seed, epoch, step), so a run that was
    killed and resumed gives the weights of an unbroken one: bit for bit on a CPU in float32.

    Args:
        model: clips (B, 3, T, H, W) in [0, 1] -> logits (B, K). Only parameters that ask for a
            gradient are trained. In the end it has its mode and device of before, and the weights
            of the last epoch, their moving average (`settings.ema`), or those of the best epoch
            (with `robust` or `settings.patience`).
        train_data: clips to train on, seen in their training view; a torch `Dataset` or a
            `DataLoader`, of which each item is a clip with its label (see
            `advvid.data.as_dataset`); or batches of another source.
        val_data: clips to measure on after each epoch, seen in their evaluation view, likewise.
        settings: see `TrainSettings`; None takes its defaults, with the batch size and the workers
            of a `DataLoader` that is trained on.
        out: folder for checkpoint, weights, history, learning curve and results; None writes none.
        resume: resume the run in `out`.
        step: gives the loss of a batch, see `TrainStep`.
        task: makes the task of the model, or is it, where training is more than one loss of one
            network, see `Task`; in place of `step`. What the task exports is measured and saved.
        robust: measures accuracy under attack after each epoch, on validation and on training
            clips; the weights that are kept are those of the best epoch, unless it says otherwise.
        optimizer: over the parameters of the model, with learning rates of its own, which
            `settings.schedule` and `warmup_epochs` still scale, and which it has again in the end;
            None makes that of `settings`.
        device: "auto", "cpu", "cuda", "cuda:1".
        devices: processes on this machine, one a device. A batch is shared among them, its
            gradient is that of the whole batch; batch-norm statistics are those of each share
            unless `settings.sync_batch_norm`.
        nodes: machines; start the same command on each with torchrun.
        progress: show a progress bar.
        config: what else makes up the run (numbers and strings): it goes into config.json, and
            must be the same at a resume.

    Returns:
        Loss and accuracy of every epoch, and the videos that were skipped.

    Raises:
        InputError: when settings, data and model do not fit, when `out` cannot be written or holds
            another run, or when the loss is not finite any more.
    """
    settings = default_settings(train_data) if settings is None else settings
    batches = as_batches(train_data, settings, model)
    if val_data is not None:
        val_data = as_dataset(val_data, classes=batches.classes)
    made = make_task(model, task, step, optimizer)
    check_data(batches, val_data)
    if val_data is None and (robust is not None or settings.patience is not None):
        raise InputError("choosing the best weights needs validation clips: give val_data")
    fabric = launch_fabric(device, precision=settings.precision, devices=devices, nodes=nodes)
    if settings.channels_last and settings.precision == "bf16" and fabric.device.type == "cpu":
        # torch 2.14's 3D convolution reads memory there that nobody has written.
        raise InputError("on a CPU channels_last goes with float32 only: leave one of both out")
    # Says at once when the batches cannot be shared.
    batches.check(fabric.world_size)
    networks, exported = made.networks(), made.export()
    identity = {**run_identity(model, batches, settings, made, robust), **(config or {})}
    folder, found = None, None
    if out is not None:
        folder = TrainingFolder(
            Path(out),
            classes=batches.classes,
            input_shape=batches.clip_shape,
            subject=_subject(identity, val_data, robust),
        )
        found = folder.open_run(networks.values(), resume=resume)
        if found is not None:
            check_same_run(found.identity, identity)
        # Nobody writes into the folder before everybody has looked at it.
        fabric.barrier()
    elif resume:
        raise InputError("there is nothing to resume without a folder: give the out of the run")
    optimizers = made.optimizers(settings, len(batches.classes))
    if not optimizers:
        raise InputError("no parameter of the model asks for a gradient: nothing to train")
    total, shown = settings.epochs * batches.steps, progress and fabric.is_global_zero
    with arranged(networks, optimizers, settings, fabric.device):
        clips = torch.zeros(1, *batches.clip_shape, device=fabric.device)
        check_model(exported, clips, len(batches.classes))
        made.check_fit({k: one.to(fabric.device) for k, one in networks.items()}, clips)
        with progress_bar("training", total, shown=shown) as bar:
            run = TrainingRun(
                TrainingState(made, Networks(fabric, networks, optimizers, settings), exported),
                batches,
                val_data,
                robust=robust,
                folder=folder,
                bar=bar,
                identity=identity,
            )
            if found is not None:
                run.state.restore(found)
            elif folder is not None:
                if fabric.is_global_zero:
                    folder.start({**identity, "device": str(fabric.device)})
                # Shows a full disk now, and makes a run killed in its first epoch resumable.
                run.save()
            try:
                return run.finish()
            except NotFiniteError as error:
                kept = "none was written" if folder is None else folder.checkpoint
                raise InputError(f"{error} (last good checkpoint: {kept})") from error


def check_model(model: nn.Module, clips: Tensor, classes: int) -> None:
    """Find out whether model and data go together, before anything is shown or written.

    Raises:
        InputError: when the model fails on such clips, or has another number of classes.
    """
    logits = probe_model(model.to(clips.device), clips)
    if logits.shape[1] != classes:
        raise InputError(
            f"the data has {classes} classes and the model {logits.shape[1]}: load it with "
            f"num_classes={classes}"
        )


def check_data(train_data: Batches, val_data: ClipDataset | None) -> None:
    """Refuse data sets that do not go together.

    Raises:
        InputError: naming the difference.
    """
    clips = train_data.sample()
    if clips is not None and min(clips.labels, default=0) < 0:
        raise InputError(f"{train_data.name} has no labels to train on: use a labeled data set")
    if len(train_data.classes) < 2:
        raise InputError(
            f"{train_data.name} has one class only ({', '.join(train_data.classes)}): give the "
            "folder that holds the folders of the classes"
        )
    if clips is not None:
        # Augmentations that do not fit the clips show now, before anything is written; a video that
        # cannot be read is told of, or skipped, when it is its turn.
        with suppress(BadVideoError):
            clips.clip(0, 0)
    if val_data is None:
        return
    if len(val_data) == 0:
        raise InputError("the validation set is empty: leave it out, or choose another split")
    for what in ("classes", "clip_shape"):
        ours, theirs = getattr(train_data, what), getattr(val_data, what)
        if ours != theirs:
            raise InputError(
                f"training and validation clips differ in {what.replace('_', ' ')}: {ours} and "
                f"{theirs}; load both in the same way"
            )


def _subject(
    identity: Mapping[str, Any], val_data: ClipDataset | None, robust: RobustCheck | None
) -> str:
    """Name model, data, numbers of clips and the attack that measures, for titles of figures."""
    told = [f"{identity['model']} on {identity['data']}, {identity['clips'].partition(' (')[0]}"]
    told[0] += "" if told[0].endswith("batches") else " clips"
    if val_data is not None:
        told.append(f"{len(val_data)} for validation")
    if robust is not None:
        told.append(f"{robust.clips} under {robust.name}")
    return ", ".join(told)


def run_identity(
    model: nn.Module,
    batches: Batches,
    settings: TrainSettings,
    task: Task,
    robust: RobustCheck | None,
) -> dict[str, Any]:
    """Collect what must be the same for a run to be resumed."""
    check = {} if robust is None else {"robust_check": repr(robust)}
    return {
        **settings.identity(),
        "model": getattr(model, "spec", type(model).__name__),
        **batches.facts(),
        "step": task.describe(),
        **check,
    }
