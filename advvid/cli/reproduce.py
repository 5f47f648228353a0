"""`advvid reproduce`."""

from pathlib import Path
from typing import Annotated

import typer

from advvid.cli import options

REPRODUCTION = "Reproduction"


def reproduce(
    tables: Annotated[
        list[str],
        typer.Argument(metavar="TABLE...", help="table1, table2, or both.", show_default=False),
    ],
    scale: Annotated[
        str,
        typer.Option(
            "--scale",
            help="small: generated clips and a small network, for a laptop; ucf101: the recipe of "
            "the paper, for GPUs.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = "small",
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="SPEC",
            help="What to train on: motions:2000 for small; has to be given for ucf101.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="What training starts from: the Kinetics-700 checkpoint, for ucf101.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            "--rows",
            metavar="KEY,...",
            help="Only these rows, such as at-8-eps,aat: several processes or machines can share "
            "one folder.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = None,
    law: Annotated[
        Path | None,
        typer.Option(
            "--law",
            metavar="FILE",
            help="Optimal step size, as saved by `advvid sweep-step-size --law`; 0.2 (eps + 1) "
            "unless given.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            help="Of the training; that of the scale unless given.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = None,
    clips: Annotated[
        int | None,
        typer.Option(
            "--clips",
            metavar="N",
            help="Test clips under PGD; that of the scale unless given.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = None,
    auto_clips: Annotated[
        int | None,
        typer.Option(
            "--autoattack-clips",
            metavar="N",
            help="Test clips under AutoAttack; that of the scale unless given.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = None,
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            help="last weights, as the paper, or those that stand best on validation clips.",
            rich_help_panel=REPRODUCTION,
        ),
    ] = "last",
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    devices: options.Devices = 1,
    workers: options.Workers = 0,
    seed: options.Seed = 0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the rows in --out, or join in; all else as it was started.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    out: options.Out = None,
) -> None:
    """Train and attack the models of Kinfu and Vidal's tables, the paper's numbers beside ours.

    Each row is trained and evaluated in a folder of its own below --out, and
    goes on where it was stopped. Columns are PGD at the optimal step, and
    AutoAttack.

    Writes table1.md and table2.md, figures, and row.json for every row.
    """
    from advvid.cli.reproduction import Reproduction, read_rows, read_scale
    from advvid.runs.launch import launch, open_folder

    chosen = read_scale(
        scale,
        data=data,
        weights=weights,
        epochs=epochs,
        clips=clips,
        auto_clips=auto_clips,
        keep=keep,
        seed=seed,
        workers=workers,
        precision=options.PRECISIONS.get(precision, precision),
    )
    keys = read_rows(tables, rows)
    settings = {
        "scale": scale,
        "data": chosen.data,
        "weights": chosen.weights,
        "law": None if law is None else str(law),
        "epochs": chosen.settings.epochs,
        "clips": chosen.clips,
        "auto_clips": chosen.auto_clips,
        "precision": precision,
        "seed": seed,
        "keep": keep,
    }
    fabric = launch(device, devices)
    folder = open_folder(fabric, out, "reproduce", settings, resume=resume)
    work = Reproduction(chosen, folder, fabric, law=law, devices=devices)
    try:
        for key in keys:
            work.row(key)
    except KeyboardInterrupt:
        typer.echo(
            f"advvid: stopped; to go on: the same command, --out {folder.path} --resume", err=True
        )
        raise SystemExit(130) from None
    if fabric.is_global_zero:
        work.report(tables)
