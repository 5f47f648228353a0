"""`advvid reproduce`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from advvid.cli import options
from advvid.cli.catalogue import check_name
from advvid.cli.options import option
from advvid.cli.resumable import RunOptions, resumable
from advvid.cli.setting_options import grouped
from advvid.figures.formats import read_formats

REPRODUCTION = "Reproduction"


@dataclass(frozen=True)
class ReproductionOptions:
    """At which size tables are reproduced, and what of them."""

    scale: Annotated[
        str,
        option(
            "--scale",
            None,
            "small: generated clips and a small network, for a laptop; ucf101: the recipe of the "
            "paper, for GPUs.",
            REPRODUCTION,
        ),
    ] = "small"
    data: Annotated[
        str | None,
        option(
            "--data",
            "SPEC",
            "What to train on: motions:2000 for small; has to be given for ucf101.",
            REPRODUCTION,
        ),
    ] = None
    weights: Annotated[
        str | None,
        option(
            "--weights",
            "FILE",
            "What training starts from: the Kinetics-700 checkpoint, for ucf101.",
            REPRODUCTION,
        ),
    ] = None
    rows: Annotated[
        str | None,
        option(
            "--rows",
            "KEY,...",
            "Only these rows, such as at-8-eps,aat: several processes or machines can share one "
            "folder.",
            REPRODUCTION,
        ),
    ] = None
    law: Annotated[
        Path | None,
        option(
            "--law",
            "FILE",
            "Optimal step size, as saved by `advvid sweep-step-size --law`; 0.2 (eps + 1) unless "
            "given.",
            REPRODUCTION,
        ),
    ] = None
    epochs: Annotated[
        int | None,
        option("--epochs", "N", "Of the training; that of the scale unless given.", REPRODUCTION),
    ] = None
    clips: Annotated[
        int | None,
        option(
            "--clips", "N", "Test clips under PGD; that of the scale unless given.", REPRODUCTION
        ),
    ] = None
    autoattack_clips: Annotated[
        int | None,
        option(
            "--autoattack-clips",
            "N",
            "Test clips under AutoAttack; that of the scale unless given.",
            REPRODUCTION,
        ),
    ] = None
    keep: Annotated[
        str,
        option(
            "--keep",
            None,
            "last weights, as the paper, or those that are best on validation clips.",
            REPRODUCTION,
        ),
    ] = "last"


@grouped
def reproduce(
    *,
    tables: Annotated[
        list[str],
        typer.Argument(metavar="TABLE...", help="table1, table2, or both.", show_default=False),
    ],
    chosen: ReproductionOptions,
    device: options.Device = "auto",
    precision: options.Precision = "float32",
    devices: options.Devices = 1,
    workers: options.Workers = 0,
    figures: options.Figures = "png",
    run: RunOptions,
) -> None:
    """Train and attack the models of Kinfu and Vidal's tables, the paper's numbers beside ours.

    Each row is trained and evaluated in a folder of its own below --out, and
    resumed where it was stopped. Columns are PGD at the optimal step, and
    AutoAttack.

    Writes table1.md and table2.md, figures, and row.json for every row.
    """
    # Before torch is imported: a typo should cost no time.
    for table in tables:
        check_name("table", table)
    read_formats(figures)
    from advvid.reproduction import TABLES, comparison_markdown
    from advvid.reproduction import reproduce as train_and_attack
    from advvid.runs.launch import is_first_process
    from advvid.runs.run_folder import new_run_path
    from advvid.runs.terminal import say

    out = run.out or new_run_path("reproduce")
    with resumable(out):
        results = train_and_attack(
            tables,
            **vars(chosen),
            device=device,
            precision=options.read_precision(precision),
            devices=devices,
            workers=workers,
            seed=run.seed,
            resume=run.resume,
            out=run.out if run.resume else out,
            figures=figures,
        )
    if is_first_process():
        for table in dict.fromkeys(tables):
            text = comparison_markdown(results, TABLES[table])
            say(table, *text.splitlines(), "")
        say(f"results: {out}")
