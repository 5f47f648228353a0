"""Options of `advvid train` that say how a model is trained."""

from typing import Annotated

import typer

from advvid.cli import options

TRAINING, SCALE = "Training", "Scale"

Flip = Annotated[
    bool,
    typer.Option(
        "--flip/--no-flip",
        help="Mirror half of the training clips (videos only).",
        rich_help_panel=options.CLIPS,
    ),
]
Epochs = Annotated[
    int,
    typer.Option("--epochs", metavar="N", help="Passes over the clips.", rich_help_panel=TRAINING),
]
BatchSize = Annotated[
    int,
    typer.Option("--batch-size", metavar="B", help="Clips in a step.", rich_help_panel=TRAINING),
]
Optimizer = Annotated[
    str,
    typer.Option("--optimizer", help="adamw, or sgd (momentum 0.9).", rich_help_panel=TRAINING),
]
LearningRate = Annotated[
    float, typer.Option("--lr", help="Peak learning rate.", rich_help_panel=TRAINING)
]
HeadLearningRate = Annotated[
    float,
    typer.Option(
        "--head-lr",
        help="Learning rate of the classifier as a multiple of --lr.",
        rich_help_panel=TRAINING,
    ),
]
WeightDecay = Annotated[
    float,
    typer.Option(
        "--weight-decay", help="Not for biases and normalization.", rich_help_panel=TRAINING
    ),
]
Schedule = Annotated[
    str,
    typer.Option(
        "--schedule",
        help="Learning rate: cosine, step (/ 10 at the milestones) or constant.",
        rich_help_panel=TRAINING,
    ),
]
Milestones = Annotated[
    str,
    typer.Option("--milestones", help="Of step, as shares of the run.", rich_help_panel=TRAINING),
]
WarmupEpochs = Annotated[
    float,
    typer.Option(
        "--warmup-epochs", help="Epochs of linear rise to --lr.", rich_help_panel=TRAINING
    ),
]
LabelSmoothing = Annotated[
    float,
    typer.Option(
        "--label-smoothing",
        help="Share of the target spread over all classes.",
        rich_help_panel=TRAINING,
    ),
]
GradClip = Annotated[
    float | None,
    typer.Option(
        "--grad-clip",
        help="Largest gradient norm; no limit unless given.",
        rich_help_panel=TRAINING,
    ),
]
BatchNorm = Annotated[
    str,
    typer.Option(
        "--batch-norm",
        help="train, or eval: keep the statistics of --weights (small batches).",
        rich_help_panel=TRAINING,
    ),
]
BnMomentum = Annotated[
    float | None,
    typer.Option(
        "--bn-momentum",
        help="Weight of a batch in the statistics; the model's own unless given.",
        rich_help_panel=TRAINING,
    ),
]
Ema = Annotated[
    float | None,
    typer.Option(
        "--ema",
        metavar="DECAY",
        help="Measure and keep a moving average of the weights, such as 0.999.",
        rich_help_panel=TRAINING,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        "--patience",
        metavar="EPOCHS",
        help="Stop after so many epochs without a better score.",
        rich_help_panel=TRAINING,
    ),
]
Nodes = Annotated[
    int,
    typer.Option(
        "--nodes", metavar="M", help="Machines; start each by torchrun.", rich_help_panel=SCALE
    ),
]
Accumulate = Annotated[
    int,
    typer.Option(
        "--accumulate",
        metavar="K",
        help="Compute each batch in K parts, to save memory.",
        rich_help_panel=SCALE,
    ),
]
SyncBatchNorm = Annotated[
    bool,
    typer.Option(
        "--sync-batch-norm",
        help="Normalize by the batch of all devices.",
        rich_help_panel=SCALE,
    ),
]
GradCheckpointing = Annotated[
    bool,
    typer.Option(
        "--grad-checkpointing",
        help="Compute activations again in the backward pass, to save memory.",
        rich_help_panel=SCALE,
    ),
]
ChannelsLast = Annotated[
    bool,
    typer.Option("--channels-last", help="Lay clips and weights out so.", rich_help_panel=SCALE),
]
Compile = Annotated[
    bool,
    typer.Option("--compile", help="Use torch.compile.", rich_help_panel=SCALE),
]
CheckpointEvery = Annotated[
    int,
    typer.Option(
        "--checkpoint-every",
        metavar="STEPS",
        help="Save within epochs too, not only after each.",
        rich_help_panel=options.OUTPUT,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the run in --out; all else as it was started.",
        rich_help_panel=options.OUTPUT,
    ),
]
