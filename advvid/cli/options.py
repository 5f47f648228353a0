"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

MODEL, CLIPS, OUTPUT = "Model", "Clips", "Run"
PRECISIONS = {"bf16-mixed": "bf16", "32-true": "float32"}
"""Lightning's words for the precisions."""

Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="SPEC",
        help="motions-r3d, torchvision/r3d_18, tsm/resnet50, package.module:function, ... "
        "(see `advvid models`).",
        rich_help_panel=MODEL,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE|NAME",
        help="A .safetensors, .pt or .pth file, or a name such as DEFAULT or none.",
        rich_help_panel=MODEL,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device", help="auto takes CUDA when there is one; or cpu, cuda:1.", rich_help_panel=MODEL
    ),
]
Precision = Annotated[
    str,
    typer.Option("--precision", help="float32, or bf16 (autocast).", rich_help_panel=MODEL),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="SPEC",
        help="motions, folder:DIR, ucf11:DIR, ucf101:DIR or a video file (see `advvid datasets`).",
        rich_help_panel=CLIPS,
    ),
]
Split = Annotated[
    str,
    typer.Option("--split", help="train, val, test or all.", rich_help_panel=CLIPS),
]
Fold = Annotated[
    int | None,
    typer.Option(
        "--fold",
        metavar="N",
        help="ucf11: the group held out (3); ucf101: the official split (1).",
        rich_help_panel=CLIPS,
    ),
]
Frames = Annotated[
    int | None,
    typer.Option(
        "--frames",
        metavar="T",
        help="Frames of a clip; what the model was built for unless given.",
        rich_help_panel=CLIPS,
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        metavar="PIXELS",
        help="Height and width of a clip; what the model was built for unless given.",
        rich_help_panel=CLIPS,
    ),
]
Sampling = Annotated[
    str,
    typer.Option(
        "--sampling",
        help="uniform: frames spread over the video; dense: consecutive frames.",
        rich_help_panel=CLIPS,
    ),
]
OnBadVideo = Annotated[
    str,
    typer.Option(
        "--on-bad-video",
        help="raise: stop at a video that cannot be read; skip: list it and go on.",
        rich_help_panel=CLIPS,
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", help="Of everything that is random.", rich_help_panel=OUTPUT),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="A new folder for the results; runs/<command>-<time> unless given.",
        rich_help_panel=OUTPUT,
    ),
]
Labels = Annotated[
    str,
    typer.Option(
        "--labels",
        help="true, or predicted: the model's own predictions.",
        rich_help_panel=CLIPS,
    ),
]
Devices = Annotated[
    int,
    typer.Option(
        "--devices", metavar="N", help="GPUs, or processes on a CPU.", rich_help_panel=OUTPUT
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers", metavar="N", help="Processes that read clips.", rich_help_panel=OUTPUT
    ),
]
