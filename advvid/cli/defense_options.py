"""Options of `advvid train` that say what a model is defended against, and which weights are kept.

A defense is named like an attack, `--defense aat:update_every=10,eps=0/4/8`. Each of its settings
is an option too, `--update-every 10 --eps 0,4,8`.
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from advvid.cli.options import option
from advvid.cli.setting_options import setting_option
from advvid.errors import InputError
from advvid.methods import MethodText, NamedSetting, Setting, split_text

if TYPE_CHECKING:
    from advvid.data.clip_dataset import ClipDataset
    from advvid.defenses.core.defense import Budgets, Defense
    from advvid.training.measuring.robust_check import RobustCheck

DEFENSE, CHOICE = "Defense", "Choice of the weights"

Name = Annotated[
    str,
    option(
        "--defense",
        "NAME[:KEY=VALUE,...]",
        "none, at, aat, cat, trades, free or fast, with settings (see `advvid defenses` and "
        "`advvid defenses NAME`), or package.module:Class.",
        DEFENSE,
    ),
]

_PLACEHOLDERS = {
    "eps": "EPS",
    "attack": "NAME[:KEY=VALUE,...]",
    "step_rule": "RULE",
    "attack_steps": "M",
    "clean_share": "SHARE",
    "replays": "N",
    "update_every": "EPOCHS",
    "held_out": "N",
}

_TODAY = {
    "eps": "budget in 1/255; several for aat (0,4,8); or one that changes: linear:0:12, "
    "cosine:0:12, list:0:4:8, with @iteration behind to change within epochs",
    "attack": "what to train on (see `advvid attacks`); several for aat",
    "step_rule": "step size: optimal, half (of optimal), eps, 1.25x (of eps), a number in 1/255, "
    "the file of a law, or a schedule of numbers",
    "attack_steps": "steps of the attack, or a schedule of them; 5 unless given",
    "random_start": "start the attack at random",
    "clean_share": "share of clips that are not attacked",
    "attack_batch_norm": "of the model under attack: eval (default) or train",
    "direction": "of the budget: up (default) or down",
    "beta": "weight of agreement; 6 unless given",
    "replays": "updates on each batch; 4 unless given",
    "update_every": "epochs between updates, at most (xi); 10 unless given",
    "held_out": "training clips that are held out to measure losses on; a tenth unless given",
}


@dataclass(frozen=True)
class CheckOptions:
    """By what the weights are chosen that a training keeps."""

    val_eps: Annotated[
        float | None,
        option(
            "--val-eps",
            "EPS",
            "Keep the weights that are best under PGD at this budget (1/255); the largest trained "
            "with unless given (at most 8 for attacks on parts of a clip); 0 keeps the last.",
            CHOICE,
        ),
    ] = None
    val_steps: Annotated[int, option("--val-steps", "M", "Steps of that PGD.", CHOICE)] = 10
    val_clips: Annotated[
        int,
        option(
            "--val-clips", "N", "Validation and training clips that it attacks; 0 is all.", CHOICE
        ),
    ] = 200

    def make(self, defense: "Defense | None", *, seed: int) -> "RobustCheck | None":
        """Make what the weights are chosen by, or None for the last ones.

        Raises:
            InputError: naming the option that is out of range.
        """
        from advvid.defenses import pgd_check

        if self.val_eps is not None and not 0 <= self.val_eps <= 255:
            raise InputError(f"val_eps must be a budget in 1/255, 0 to 255; got {self.val_eps:g}")
        if self.val_clips < 0:
            raise InputError(f"val_clips must be at least 1, or 0 for all; got {self.val_clips}")
        trained = 0.0 if defense is None else defense.eps
        eps = trained if self.val_eps is None else self.val_eps / 255
        if eps == 0:
            return None
        return pgd_check(eps, steps=self.val_steps, clips=self.val_clips or None, seed=seed)


def defense_options() -> Iterator[inspect.Parameter]:
    """Make an option of every setting that a defense has, to be read as text."""
    from advvid.defenses import DEFENSES

    found: dict[str, NamedSetting] = {}
    takers: dict[str, list[str]] = {}
    for name in DEFENSES:
        for key, setting in _settings(name).items():
            found.setdefault(key, setting)
            takers.setdefault(key, []).append(name)
    for key, setting in found.items():
        some = len(takers[key]) < len(DEFENSES) / 2
        yield setting_option(
            setting,
            panel=DEFENSE,
            metavar=_PLACEHOLDERS.get(key),
            only=takers[key] if some else (),
            optional=True,
        )


def merge(text: str, options: Mapping[str, Any]) -> MethodText:
    """Join the text of a defense with options that set something of it.

    Args:
        text: of --defense.
        options: those that `defense_options` made; None was not given.

    Raises:
        InputError: for a setting that is given both ways, with the line that is meant; or an
            option that the defense does not have.
    """
    from advvid.defenses import DEFENSES

    method = split_text(text)
    given = {key: _as_text(value) for key, value in options.items() if value not in (None, [])}
    if method.name == "none":
        for key in given:
            raise InputError(f"{_flag(key)} goes with a defense: add --defense at, say")
    for key in given:
        if key in method.given:
            line = ",".join(f"{k}={v}" for k, v in {**method.given, **given}.items())
            raise InputError(
                f"{key} is given twice, by {_flag(key)} and in --defense: leave one out, as in "
                f"--defense {method.name}:{line}"
            )
        if method.name in DEFENSES and key not in _settings(method.name):
            raise InputError(
                f"{_flag(key)} means nothing for --defense {method.name}, which takes "
                f"{', '.join(map(_flag, _settings(method.name)))}"
            )
    return MethodText(method.name, {**method.given, **given})


def make_defense(method: MethodText, data: "ClipDataset", *, seed: int) -> "Defense | None":
    """Make the defense, or None for "none".

    Raises:
        InputError: for an unknown defense, or a setting that cannot be read.
    """
    if method.name == "none":
        return None
    return _build_today(method, data, seed=seed)


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")


def _as_text(value: Any) -> str:
    """Write the value of an option as a setting of a text has it: 0,4,8 becomes 0/4/8."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "/".join(f"[{one}]" if {",", "/"} & set(one) else one for one in value)
    return str(value).replace(",", "/")


def _settings(name: str) -> dict[str, NamedSetting]:
    from advvid.defenses import DEFENSES

    kinds = {"random_start": bool, "attack": tuple[str, ...], "clean_share": float, "beta": float}
    kinds |= {"replays": int, "update_every": int, "held_out": int}
    return {
        key: NamedSetting(key, kinds.get(key, str), None, Setting(_TODAY[key]))
        for key in DEFENSES[name].options
        if key != "seed"
    }


def _build_today(method: MethodText, data: "ClipDataset", *, seed: int) -> "Defense":
    from advvid.cli.numbers import read_budgets
    from advvid.defenses import DEFENSES, build_defense, read_schedule, read_step_rule
    from advvid.methods import read_settings
    from advvid.methods.text import split_outside_brackets, without_brackets

    def budgets(text: str) -> "Budgets":
        if "/" in text:
            return tuple(read_budgets(text.replace("/", ","), zero=True))
        schedule = read_schedule(text)
        for value in schedule.values:
            if not 0 <= value <= 255:
                raise InputError(f"eps must be a budget in 1/255, from 0 to 255; got {value:g}")
        return schedule.scaled(1 / 255)

    def rule(text: str) -> Any:
        changes = text.partition(":")[0] in ("linear", "cosine", "list")
        return read_schedule(text).scaled(1 / 255) if changes else read_step_rule(text)

    def steps(text: str) -> Any:
        schedule = read_schedule(text)
        if any(value < 1 or value != round(value) for value in schedule.values):
            raise InputError(f"attack_steps must be whole numbers from 1 on; got {text}")
        return schedule

    def attacks(text: str) -> tuple[str, ...]:
        return tuple(without_brackets(one) for one in split_outside_brackets(text, "/"))

    own = {"eps": budgets, "step_rule": rule, "attack_steps": steps, "attack": attacks}
    if method.name not in DEFENSES:
        return build_defense(method.name, data)
    settings = _settings(method.name)
    values = read_settings(
        method.name, {k: v for k, v in method.given.items() if k not in own}, settings
    )
    values |= {key: own[key](text) for key, text in method.given.items() if key in own}
    if "seed" in DEFENSES[method.name].options:
        values["seed"] = seed
    return build_defense(method.name, data, **values)
