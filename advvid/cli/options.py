"""Options that several commands share, so that they are named and explained the same everywhere."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advvid.cli.catalogue import check_data, check_model, check_options, check_weights, completed_by
from advvid.errors import InputError, shown

if TYPE_CHECKING:
    from advvid.pairing import Subject

SAMPLINGS = ("uniform", "dense")
MODEL, CLIPS, OUTPUT = "Model", "Clips", "Run"


def read_precision(word: str) -> Any:
    """Take Lightning's words for the precisions too; the settings check everything else."""
    return {"bf16-mixed": "bf16", "32-true": "float32"}.get(word, word)


def read_data(given: list[str] | None) -> str | list[str]:
    """Give the one data set that is named, or all of several."""
    specs = given or ["motions"]
    return specs[0] if len(specs) == 1 else specs


def read_device(word: str) -> str:
    """Refuse what is no name of a device; whether it is there shows later."""
    if re.fullmatch(r"auto|cpu(:0)?|mps|(cuda|xpu|hpu|meta)(:\d{1,3})?", word) is None:
        raise InputError(f"unknown device {shown(word)}; use auto, cpu, cuda or cuda:1")
    return word


def option(
    name: str, metavar: str | None, text: str, panel: str, *, completed: str | None = None
) -> Any:
    """Make an option with a placeholder for its value, a help text and the panel it stands in.

    Args:
        completed: kind of the names that a shell completes it by, see `catalogue.methods`.
    """
    return typer.Option(
        name,
        metavar=metavar,
        help=text,
        rich_help_panel=panel,
        autocompletion=None if completed is None else completed_by(completed),
    )


def target(text: str, panel: str) -> Any:
    """Make the option for what clips are to look like."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in ("least-likely", "random") if word.startswith(incomplete)]

    return typer.Option(
        "--target", metavar="CLASS", help=text, rich_help_panel=panel, autocompletion=complete
    )


Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="auto takes CUDA when there is one; or cpu, cuda:1.",
        rich_help_panel=MODEL,
        callback=read_device,
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        help="float32, or bf16 (autocast).",
        rich_help_panel=MODEL,
        callback=read_precision,
    ),
]
Data = Annotated[
    list[str] | None,
    option(
        "--data",
        "SPEC",
        "motions, folder:DIR, csv:FILE, ucf11:DIR, ucf101:DIR, package.module:function or a video "
        "file (see `advvid datasets`); motions unless given. Several are joined.",
        CLIPS,
        completed="data set",
    ),
]
Seed = Annotated[int, option("--seed", None, "Of everything that is random.", OUTPUT)]
Out = Annotated[
    Path | None,
    option(
        "--out", "DIR", "A new folder for the results; runs/<command>-<time> unless given.", OUTPUT
    ),
]
Resume = Annotated[
    bool,
    option("--resume", None, "Resume the run in --out; all else as it was started.", OUTPUT),
]
BatchSize = Annotated[
    int, option("--batch-size", None, "Clips attacked at once; changes the speed only.", OUTPUT)
]
Figures = Annotated[
    str, option("--figures", "FORMATS", "png, svg, pdf, or several with commas between.", OUTPUT)
]
Devices = Annotated[int, option("--devices", "N", "GPUs, or processes on a CPU.", OUTPUT)]
Workers = Annotated[int, option("--workers", "N", "Processes that read clips.", OUTPUT)]


@dataclass(frozen=True)
class ModelOptions:
    """Which model, and where and how precisely it computes."""

    model: Annotated[
        str,
        option(
            "--model",
            "SPEC",
            "motions-r3d, torchvision/r3d_18, tsm/resnet50, package.module:function, ... "
            "(see `advvid models`).",
            MODEL,
            completed="model",
        ),
    ] = "motions-r3d"
    weights: Annotated[
        str | None,
        option(
            "--weights",
            "FILE|NAME",
            "A .safetensors, .pt or .pth file, or a name such as DEFAULT or none.",
            MODEL,
        ),
    ] = None
    mean: Annotated[
        str | None,
        option(
            "--mean",
            "R,G,B",
            "Mean of pixels in [0, 1] that the model subtracts, one number or three; its own "
            "unless given.",
            MODEL,
        ),
    ] = None
    std: Annotated[
        str | None,
        option("--std", "R,G,B", "What it divides by then, one number or three.", MODEL),
    ] = None
    layout: Annotated[
        str | None,
        option(
            "--layout",
            None,
            "Of the clips that a module of your own takes: NCTHW unless given, NTCHW for "
            "(B, T, 3, H, W), or NTHWC.",
            MODEL,
        ),
    ] = None
    device: Device = "auto"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong before anything is loaded."""
        check_model(self.model)
        check_weights(self.weights)
        check_options("training", {"precision": self.precision})

    @property
    def loading(self) -> dict[str, Any]:
        """Arguments of `load_model`, but for the spec."""
        names = ("weights", "mean", "std", "layout")
        return {name: getattr(self, name) for name in names}

    @property
    def config(self) -> dict[str, Any]:
        """What a result depends on, for config.json; what is not given is not noted."""
        pixels = {"mean": self.mean, "std": self.std, "layout": self.layout}
        given = {name: value for name, value in pixels.items() if value is not None}
        return {
            "model": self.model,
            "weights": self.weights,
            "precision": self.precision,
            **given,
        }


@dataclass(frozen=True)
class ReadingOptions:
    """How clips are read from videos."""

    fold: Annotated[
        int | None,
        option(
            "--fold", "N", "ucf11: the group held out (3); ucf101: the official split (1).", CLIPS
        ),
    ] = None
    frames: Annotated[
        int | None,
        option(
            "--frames", "T", "Frames of a clip; what the model was built for unless given.", CLIPS
        ),
    ] = None
    size: Annotated[
        int | None,
        option(
            "--size",
            "PIXELS",
            "Height and width of a clip; what the model was built for unless given.",
            CLIPS,
        ),
    ] = None
    sampling: Annotated[
        str,
        option(
            "--sampling",
            None,
            "uniform: frames spread over the video; dense: consecutive frames.",
            CLIPS,
        ),
    ] = "uniform"
    on_bad_video: Annotated[
        str,
        option(
            "--on-bad-video",
            None,
            "raise: stop at a damaged video; skip: list it and leave it out; conceal: list it and "
            "use what FFmpeg makes of it.",
            CLIPS,
        ),
    ] = "raise"

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong before anything is loaded."""
        check_options("data", vars(self))
        if ":" not in self.sampling and self.sampling not in SAMPLINGS:
            raise InputError(
                f"sampling must be one of {', '.join(SAMPLINGS)}; got {shown(self.sampling)}"
            )

    @property
    def config(self) -> dict[str, Any]:
        """All of them, for config.json and as arguments of `advvid.pairing`."""
        return dict(vars(self))


@dataclass(frozen=True)
class SelectionOptions:
    """Which clips of which data set, and whose labels. A command sets `clips` in a subclass."""

    data: Data = None
    clips: Annotated[int, option("--clips", "N", "Clips to attack; 0 takes all.", CLIPS)] = 1
    labels: Annotated[
        str, option("--labels", None, "true, or predicted: the model's own predictions.", CLIPS)
    ] = "true"
    split: Annotated[str, option("--split", None, "train, val, test or all.", CLIPS)] = "test"


# Of two bases a dataclass takes the fields of the last one first.
@dataclass(frozen=True)
class ClipOptions(ReadingOptions, SelectionOptions):
    """Which clips, and how they are read."""

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong before anything is loaded."""
        super().__post_init__()
        for spec in self.data or ():
            check_data(spec)
        if self.clips < 0:
            raise InputError(f"clips must be at least 1, or 0 for all; got {self.clips}")
        if self.labels not in ("true", "predicted"):
            raise InputError(f"labels must be true or predicted; got {shown(self.labels)}")

    @property
    def config(self) -> dict[str, Any]:
        """All of them."""
        return {**super().config, "data": read_data(self.data)}

    def subject(self, model: ModelOptions, *, seed: int) -> "Subject":
        """Load the model, and the clips as it takes them; see `advvid.pairing.load_subject`."""
        from advvid.pairing import load_subject

        return load_subject(model=model.model, seed=seed, **model.loading, **self.config)


def about(model: ModelOptions) -> dict[str, Any]:
    """Say what was asked for, for the head of a table: the command, and weights by their name."""
    weights = {} if model.weights is None else {"weights": model.weights}
    return {**weights, "command": shlex.join(["advvid", *sys.argv[1:]])}
