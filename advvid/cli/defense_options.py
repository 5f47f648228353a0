"""Options of `advvid train` that say what a model is defended against."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from advvid.errors import InputError

if TYPE_CHECKING:
    from advvid.data.clip_dataset import ClipDataset
    from advvid.defenses import Prepared
    from advvid.defenses.core.budgets import Budgets
    from advvid.training.measuring.robust_check import RobustCheck

DEFENSE, CHOICE = "Defense", "Choice of the weights"


def _option(name: str, metavar: str | None, text: str, panel: str = DEFENSE) -> Any:
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=panel)


Name = Annotated[
    str,
    _option("--defense", None, "none, at, aat, cat, trades, free or fast (see `advvid defenses`)."),
]
Eps = Annotated[
    str | None,
    _option(
        "--eps",
        "EPS",
        "Budget in 1/255; several for aat (0,4,8); or one that changes: linear:0:12, cosine:0:12, "
        "list:0:4:8, with @iteration behind to change within epochs.",
    ),
]
Attack = Annotated[
    list[str] | None,
    _option(
        "--attack",
        "NAME[:KEY=VALUE,...]",
        "What to train on (see `advvid attacks`); give it several times for aat.",
    ),
]
StepRule = Annotated[
    str | None,
    _option(
        "--step-rule",
        "RULE",
        "Step size: optimal, half (of optimal), eps, 1.25x (of eps), a number in 1/255, the file "
        "of a law, or a schedule of numbers.",
    ),
]
AttackSteps = Annotated[
    str | None, _option("--attack-steps", "M", "Steps of the attack, or a schedule of them; 5.")
]
RandomStart = Annotated[
    bool | None,
    typer.Option("--random-start", help="Start the attack at random.", rich_help_panel=DEFENSE),
]
CleanShare = Annotated[
    float | None, _option("--clean-share", "SHARE", "Share of clips that are not attacked.")
]
AttackBatchNorm = Annotated[
    str | None,
    _option("--attack-batch-norm", None, "Of the model under attack: eval (default) or train."),
]
Direction = Annotated[str | None, _option("--direction", None, "Of cat: up (default) or down.")]
Beta = Annotated[float | None, _option("--beta", None, "Weight of agreement in trades; 6.")]
Replays = Annotated[int | None, _option("--replays", "N", "Updates on each batch in free; 4.")]
UpdateEvery = Annotated[
    int | None, _option("--update-every", "EPOCHS", "Between updates of aat, at most (xi); 10.")
]
HeldOut = Annotated[
    int | None,
    _option("--held-out", "N", "Training clips that aat keeps back to measure losses on; a tenth."),
]
ValEps = Annotated[
    float | None,
    _option(
        "--val-eps",
        "EPS",
        "Keep the weights that stand best under PGD at this budget (1/255); the largest trained "
        "with unless given (at most 8 for attacks on parts of a clip); 0 keeps the last.",
        CHOICE,
    ),
]
ValSteps = Annotated[int, _option("--val-steps", "M", "Steps of that PGD.", CHOICE)]
ValClips = Annotated[
    int,
    _option("--val-clips", "N", "Validation and training clips that it attacks; 0 is all.", CHOICE),
]


def read_eps(text: str) -> "Budgets":
    """Read budgets in 1/255: one number, a schedule, or several numbers.

    Raises:
        InputError: when it is none of these, or out of range.
    """
    from advvid.cli.numbers import read_budgets
    from advvid.defenses import read_schedule

    if "," in text:
        return tuple(read_budgets(text, zero=True))
    schedule = read_schedule(text)
    for value in schedule.values:
        if not 0 <= value <= 255:
            raise InputError(f"--eps takes budgets in 1/255, from 0 to 255; got {value:g}")
    return schedule.scaled(1 / 255)


def read_options(
    *, eps: str | None, step_rule: str | None, attack_steps: str | None, **others: Any
) -> dict[str, Any]:
    """Turn the options that were given into those of a defense.

    Raises:
        InputError: naming the option that cannot be read.
    """
    from advvid.defenses import read_schedule, read_step_rule

    given: dict[str, Any] = {name: value for name, value in others.items() if value is not None}
    if eps is not None:
        given["eps"] = read_eps(eps)
    if step_rule is not None:
        changes = step_rule.partition(":")[0] in ("linear", "cosine", "list")
        given["step_rule"] = (
            read_schedule(step_rule).scaled(1 / 255) if changes else read_step_rule(step_rule)
        )
    if attack_steps is not None:
        schedule = read_schedule(attack_steps)
        if any(value < 1 or value != round(value) for value in schedule.values):
            raise InputError(f"--attack-steps takes whole numbers from 1 on; got {attack_steps}")
        given["attack_steps"] = schedule
    if "attack" in given:
        given["attack"] = tuple(given["attack"])
    return given


def make_defense(
    name: str, data: "ClipDataset", options: dict[str, Any], *, seed: int
) -> "Prepared | None":
    """Make the defense, or None for "none".

    Raises:
        InputError: for an unknown defense, or an option that it does not take.
    """
    from advvid.defenses import DEFENSES, build_defense
    from advvid.methods import settings_of

    if name == "none":
        if options:
            raise InputError(
                f"{', '.join(_flag(option) for option in options)} goes with a defense: add "
                "--defense at, say"
            )
        return None
    if name in DEFENSES:
        for option in options:
            if option not in settings_of(DEFENSES[name]):
                raise InputError(
                    f"{_flag(option)} means nothing for --defense {name}, which takes "
                    f"{', '.join(map(_flag, settings_of(DEFENSES[name])))}"
                )
    return build_defense(name, data, seed=seed, **options)


def make_check(
    defense: "Prepared | None", *, val_eps: float | None, steps: int, clips: int, seed: int
) -> "RobustCheck | None":
    """Make what the weights are chosen by, or None for the last ones.

    Raises:
        InputError: naming the option that is out of range.
    """
    from advvid.defenses import pgd_check

    if val_eps is not None and not 0 <= val_eps <= 255:
        raise InputError(f"--val-eps takes a budget in 1/255, from 0 to 255; got {val_eps:g}")
    if clips < 0:
        raise InputError(f"--val-clips must be at least 1, or 0 for all; got {clips}")
    trained = 0.0 if defense is None else defense.eps
    eps = trained if val_eps is None else val_eps / 255
    if eps == 0:
        return None
    return pgd_check(eps, steps=steps, clips=clips or None, seed=seed)


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")
