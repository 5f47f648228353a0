"""`advvid train`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from advvid.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from advvid.training.history import History

TRAINING = "Training"


def train(
    model: options.Model = "motions-r3d",
    weights: options.Weights = None,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    data: options.Data = "motions",
    fold: options.Fold = None,
    frames: options.Frames = None,
    size: options.Size = None,
    sampling: options.Sampling = "uniform",
    flip: Annotated[
        bool,
        typer.Option(
            "--flip/--no-flip",
            help="Mirror half of the training clips (videos only).",
            rich_help_panel=options.CLIPS,
        ),
    ] = True,
    on_bad_video: options.OnBadVideo = "raise",
    epochs: Annotated[
        int,
        typer.Option(
            "--epochs", metavar="N", help="Passes over the clips.", rich_help_panel=TRAINING
        ),
    ] = 10,
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size", metavar="B", help="Clips in a step.", rich_help_panel=TRAINING
        ),
    ] = 16,
    optimizer: Annotated[
        str,
        typer.Option("--optimizer", help="adamw, or sgd (momentum 0.9).", rich_help_panel=TRAINING),
    ] = "adamw",
    lr: Annotated[
        float,
        typer.Option("--lr", help="Peak learning rate.", rich_help_panel=TRAINING),
    ] = 1e-3,
    head_lr: Annotated[
        float,
        typer.Option(
            "--head-lr",
            help="Learning rate of the classifier as a multiple of --lr.",
            rich_help_panel=TRAINING,
        ),
    ] = 1.0,
    weight_decay: Annotated[
        float,
        typer.Option(
            "--weight-decay", help="Not for biases and normalization.", rich_help_panel=TRAINING
        ),
    ] = 0.01,
    schedule: Annotated[
        str,
        typer.Option(
            "--schedule",
            help="Learning rate: cosine, step (/ 10 at 1/2 and 3/4) or constant.",
            rich_help_panel=TRAINING,
        ),
    ] = "cosine",
    warmup_epochs: Annotated[
        float,
        typer.Option(
            "--warmup-epochs", help="Epochs of linear rise to --lr.", rich_help_panel=TRAINING
        ),
    ] = 0.0,
    label_smoothing: Annotated[
        float,
        typer.Option(
            "--label-smoothing",
            help="Share of the target spread over all classes.",
            rich_help_panel=TRAINING,
        ),
    ] = 0.0,
    grad_clip: Annotated[
        float | None,
        typer.Option(
            "--grad-clip",
            help="Largest gradient norm; no limit unless given.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    batch_norm: Annotated[
        str,
        typer.Option(
            "--batch-norm",
            help="train, or eval: keep the statistics of --weights (small batches).",
            rich_help_panel=TRAINING,
        ),
    ] = "train",
    bn_momentum: Annotated[
        float | None,
        typer.Option(
            "--bn-momentum",
            help="Weight of a batch in the statistics; the model's own unless given.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", help="Processes that load clips.", rich_help_panel=options.OUTPUT
        ),
    ] = 0,
    devices: Annotated[
        int,
        typer.Option(
            "--devices", help="GPUs, or processes on a CPU.", rich_help_panel=options.OUTPUT
        ),
    ] = 1,
    seed: options.Seed = 0,
    checkpoint_every: Annotated[
        int,
        typer.Option(
            "--checkpoint-every",
            metavar="STEPS",
            help="Save within epochs too, not only after each.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in --out; all else as it was started.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    out: options.Out = None,
) -> None:
    """Train or fine-tune a model, and measure it on held-out clips after each epoch.

    The classes come from the data: a classifier of another width is replaced by
    a new one. Trains on the train split and measures on val (for videos without
    one: the held-out test part).

    Writes weights (model.safetensors, for --weights), history.csv, history.json,
    learning_curve.png and results.json after each epoch, and a checkpoint from
    which a killed run goes on to the same weights.
    """
    from datetime import datetime
    from pathlib import Path

    from torch import distributed

    from advvid.checks import check_count
    from advvid.cli.train_inputs import load_training
    from advvid.errors import InputError
    from advvid.training import train as run
    from advvid.training.settings import TrainSettings

    if resume and out is None:
        raise InputError("--resume needs the folder of the run: add --out DIR")
    chosen: dict[str, Any] = {
        "epochs": epochs, "batch_size": batch_size, "optimizer": optimizer, "lr": lr,
        "head_lr": head_lr, "weight_decay": weight_decay, "schedule": schedule,
        "warmup_epochs": warmup_epochs, "label_smoothing": label_smoothing, "grad_clip": grad_clip,
        "batch_norm": batch_norm, "bn_momentum": bn_momentum, "precision": precision,
        "workers": workers, "seed": seed, "checkpoint_every": checkpoint_every,
    }  # fmt: skip
    # Before anything is loaded: a slip should cost no time.
    settings = TrainSettings(**chosen)
    check_count("--devices", devices)
    video_model, train_data, val_data = load_training(
        model, data, weights=weights, frames=frames, size=size,
        fold=fold, sampling=sampling, flip=flip, on_bad_video=on_bad_video, seed=seed,
    )  # fmt: skip
    out = out or Path("runs") / f"train-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        history = run(
            video_model, train_data, val_data,
            settings=settings, out=out, resume=resume, device=device, devices=devices,
            progress=True,
            config={"weights": weights, "fold": fold, "sampling": sampling, "flip": flip},
        )  # fmt: skip
    except KeyboardInterrupt:
        kept = (out / "checkpoint.pt").exists()
        hint = f"; to go on: the same command, --out {out} --resume" if kept else ""
        typer.echo(f"advvid: stopped{hint}", err=True)
        raise SystemExit(130) from None
    if not distributed.is_initialized() or distributed.get_rank() == 0:
        _report(history, len(train_data.classes), out)


def _report(history: "History", classes: int, out: "Path") -> None:
    """Say how it ended and what was left out."""
    last = history.epochs[-1]
    if last.val_top1 is not None:
        typer.echo(f"validation top-1 {last.val_top1:.3f} (chance {1 / classes:.3f})")
    if history.skipped:
        typer.echo(f"skipped {len(history.skipped)} videos that cannot be read:")
    for video in history.skipped:
        typer.echo(f"  {video.path}: {video.reason}")
    typer.echo(f"results: {out}")
