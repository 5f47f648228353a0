"""`advvid train`."""

from typing import TYPE_CHECKING, Any

import typer

from advvid.cli import defense_options as defending
from advvid.cli import options
from advvid.cli import train_options as training

if TYPE_CHECKING:
    from pathlib import Path

    from advvid.training.records.history import History


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
    flip: training.Flip = True,
    on_bad_video: options.OnBadVideo = "raise",
    defense: defending.Name = "none",
    eps: defending.Eps = None,
    attack: defending.Attack = None,
    step_rule: defending.StepRule = None,
    attack_steps: defending.AttackSteps = None,
    random_start: defending.RandomStart = None,
    clean_share: defending.CleanShare = None,
    attack_batch_norm: defending.AttackBatchNorm = None,
    direction: defending.Direction = None,
    beta: defending.Beta = None,
    replays: defending.Replays = None,
    update_every: defending.UpdateEvery = None,
    held_out: defending.HeldOut = None,
    val_eps: defending.ValEps = None,
    val_steps: defending.ValSteps = 10,
    val_clips: defending.ValClips = 200,
    patience: training.Patience = None,
    epochs: training.Epochs = 10,
    batch_size: training.BatchSize = 16,
    optimizer: training.Optimizer = "adamw",
    lr: training.LearningRate = 1e-3,
    head_lr: training.HeadLearningRate = 1.0,
    weight_decay: training.WeightDecay = 0.01,
    schedule: training.Schedule = "cosine",
    milestones: training.Milestones = "0.5,0.75",
    warmup_epochs: training.WarmupEpochs = 0.0,
    label_smoothing: training.LabelSmoothing = 0.0,
    grad_clip: training.GradClip = None,
    batch_norm: training.BatchNorm = "train",
    bn_momentum: training.BnMomentum = None,
    ema: training.Ema = None,
    devices: options.Devices = 1,
    nodes: training.Nodes = 1,
    accumulate: training.Accumulate = 1,
    sync_batch_norm: training.SyncBatchNorm = False,
    grad_checkpointing: training.GradCheckpointing = False,
    channels_last: training.ChannelsLast = False,
    compile: training.Compile = False,
    workers: options.Workers = 0,
    seed: options.Seed = 0,
    checkpoint_every: training.CheckpointEvery = 0,
    resume: training.Resume = False,
    out: options.Out = None,
) -> None:
    """Train or fine-tune a model, adversarially too, and measure it after each epoch.

    The classes come from the data: a classifier of another width is replaced by
    a new one. Trains on the train split and measures on val (for videos without
    one: the held-out test part).

    With --defense the weights of the epoch that stands best under PGD are kept,
    not the last: adversarial training overfits.

    Writes weights (model.safetensors, for --weights), history.csv, history.json,
    figures and results.json after each epoch, and a checkpoint from which a
    killed run goes on to the same weights.
    """
    from datetime import datetime
    from pathlib import Path

    from torch import distributed

    from advvid.checks import check_count
    from advvid.cli.numbers import read_numbers
    from advvid.errors import InputError
    from advvid.pairing import load_training
    from advvid.training import TrainSettings
    from advvid.training import train as run

    if resume and out is None:
        raise InputError("--resume needs the folder of the run: add --out DIR")
    chosen: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": optimizer,
        "lr": lr,
        "head_lr": head_lr,
        "weight_decay": weight_decay,
        "schedule": schedule,
        "milestones": tuple(read_numbers(milestones, "--milestones")),
        "warmup_epochs": warmup_epochs,
        "label_smoothing": label_smoothing,
        "grad_clip": grad_clip,
        "batch_norm": batch_norm,
        "bn_momentum": bn_momentum,
        "precision": options.PRECISIONS.get(precision, precision),
        "ema": ema,
        "patience": patience,
        "accumulate": accumulate,
        "sync_batch_norm": sync_batch_norm,
        "grad_checkpointing": grad_checkpointing,
        "channels_last": channels_last,
        "compile": compile,
        "workers": workers,
        "seed": seed,
        "checkpoint_every": checkpoint_every,
    }
    # Before anything is loaded: a slip should cost no time.
    settings = TrainSettings(**chosen)
    for name, count in (("--devices", devices), ("--nodes", nodes)):
        check_count(name, count)
    defended = defending.read_options(
        eps=eps,
        attack=attack,
        step_rule=step_rule,
        attack_steps=attack_steps,
        random_start=random_start,
        clean_share=clean_share,
        attack_batch_norm=attack_batch_norm,
        direction=direction,
        beta=beta,
        replays=replays,
        update_every=update_every,
        held_out=held_out,
    )
    video_model, train_data, val_data = load_training(
        model,
        data,
        weights=weights,
        frames=frames,
        size=size,
        fold=fold,
        sampling=sampling,
        flip=flip,
        on_bad_video=on_bad_video,
        seed=seed,
    )
    made = defending.make_defense(defense, train_data, defended, seed=seed)
    robust = defending.make_check(
        made, val_eps=val_eps, steps=val_steps, clips=val_clips, seed=seed
    )
    out = out or Path("runs") / f"train-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        history = run(
            video_model,
            train_data if made is None or made.data is None else made.data,
            val_data,
            settings=settings,
            task=None if made is None else made.task,
            robust=robust,
            out=out,
            resume=resume,
            device=device,
            devices=devices,
            nodes=nodes,
            progress=True,
            config={"weights": weights, "fold": fold, "sampling": sampling, "flip": flip},
        )
    except KeyboardInterrupt:
        kept = (out / "checkpoint.pt").exists()
        hint = f"; to go on: the same command, --out {out} --resume" if kept else ""
        typer.echo(f"advvid: stopped{hint}", err=True)
        raise SystemExit(130) from None
    if not distributed.is_initialized() or distributed.get_rank() == 0:
        _report(history, len(train_data.classes), out)


def _report(history: "History", classes: int, out: "Path") -> None:
    """Say how it ended and what was left out."""
    kept = history.epochs[-1 if history.best_epoch is None else history.best_epoch - 1]
    if history.best_epoch is not None:
        typer.echo(f"kept the weights of epoch {kept.epoch} of {len(history.epochs)}")
    if kept.val_top1 is not None:
        typer.echo(f"validation top-1 {kept.val_top1:.3f} (chance {1 / classes:.3f})")
    if kept.val_robust_top1 is not None and kept.seen_robust_top1 is not None:
        typer.echo(
            f"under attack {kept.val_robust_top1:.3f}, on training clips "
            f"{kept.seen_robust_top1:.3f}; evaluate before you report: `advvid evaluate`"
        )
    if history.skipped:
        typer.echo(f"skipped {len(history.skipped)} videos that cannot be read:")
    for video in history.skipped:
        typer.echo(f"  {video.path}: {video.reason}")
    typer.echo(f"results: {out}")
