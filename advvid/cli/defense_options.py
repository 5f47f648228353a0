"""Options of `advvid train` that say what a model is defended against, and which weights are kept.

A defense is named like an attack, `--defense aat:update_every=10,eps=0/4/8`. Each of its settings
is an option too, `--update-every 10 --eps 0,4,8`.
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from advvid.cli.catalogue import methods
from advvid.cli.options import option
from advvid.cli.setting_options import meaning, setting_option
from advvid.errors import InputError
from advvid.methods import split_text
from advvid.methods.listing import default_words

if TYPE_CHECKING:
    from advvid.defenses import Defense, Prepared
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
        completed="defense",
    ),
]

_PLACEHOLDERS = {
    "eps": "EPS",
    "attack": "NAME[:KEY=VALUE,...]",
    "step_rule": "RULE",
    "attack_steps": "M",
    "clean_share": "SHARE",
    "replays": "N",
    "held_out": "N",
}


@dataclass(frozen=True)
class CheckOptions:
    """By what the weights are chosen that a training keeps."""

    val_eps: Annotated[
        str | None,
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

    def budget(self) -> float | None:
        """Read the budget, a fraction of the pixel range; None is that of the training.

        Raises:
            InputError: naming the option that is out of range.
        """
        from advvid.checks import check_count
        from advvid.cli.numbers import read_budget

        check_count("val_steps", self.val_steps)
        if self.val_clips < 0:
            raise InputError(
                f"val_clips must be at least 1, or 0 for all; got {self.val_clips}",
                settings=("val_clips",),
            )
        return None if self.val_eps is None else read_budget(self.val_eps, "--val-eps", zero=True)

    def make(self, defense: "Prepared | None", *, seed: int) -> "RobustCheck | None":
        """Make what the weights are chosen by, or None for the last ones.

        Raises:
            InputError: naming the option that is out of range.
        """
        from advvid.defenses import pgd_check

        asked, trained = self.budget(), 0.0 if defense is None else defense.eps
        eps = trained if asked is None else asked
        if eps == 0:
            return None
        return pgd_check(eps, steps=self.val_steps, clips=self.val_clips or None, seed=seed)


def defense_options() -> Iterator[inspect.Parameter]:
    """Make an option of every setting that a defense has, to be read as text."""
    of_all = {name: settings or {} for name, settings in methods("defense").items()}
    for key in dict.fromkeys(key for settings in of_all.values() for key in settings):
        takers = [name for name, settings in of_all.items() if key in settings]
        settings = [of_all[name][key] for name in takers]
        defaults = {default_words(setting) for setting in settings} - {"no"}
        help = meaning(
            settings[0],
            only=takers if len(takers) < len(of_all) / 2 else (),
            default=defaults.pop() if len(defaults) == 1 else "",
        )
        for name, setting in zip(takers, settings, strict=True):
            if setting.about.help != settings[0].about.help:
                help += f" {name}: {setting.about.help}."
        yield setting_option(
            settings[0], panel=DEFENSE, metavar=_PLACEHOLDERS.get(key), help=help, optional=True
        )


def read_defense(text: str, options: Mapping[str, Any]) -> "Defense | None":
    """Read --defense and the options that set something of it; None for "none".

    Args:
        text: "NAME:key=value,...".
        options: made by `defense_options`; None was not given.

    Raises:
        InputError: for an unknown defense, an option that it does not take, a setting that is given
            both ways, or a value that cannot be read.
    """
    from advvid.defenses import DEFENSES
    from advvid.defenses import read_defense as read
    from advvid.methods import settings_of

    method = split_text(text)
    given = {key: _as_text(value) for key, value in options.items() if value not in (None, [])}
    if method.name == "none":
        for key in [*given, *method.given]:
            raise InputError(f"{_option(key)} goes with a defense: add --defense at, say")
        return None
    known = settings_of(DEFENSES.find(method.name))
    for key in given:
        if key not in known:
            raise InputError(
                f"{_option(key)} means nothing for --defense {method.name}, which takes "
                f"{', '.join(map(_option, known))}"
            )
    whole = method.name + ":" + ",".join(f"{k}={v}" for k, v in {**method.given, **given}.items())
    for key in given:
        if key in method.given:
            raise InputError(
                f"{key} is given twice, by {_option(key)} and in --defense: write one of both, as "
                f"in --defense {whole}"
            )
    return read(whole)


def _option(key: str) -> str:
    return "--" + key.replace("_", "-")


def _as_text(value: Any) -> str:
    """Write the value of an option as a setting of a text has it: 0,4,8 becomes 0/4/8."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "/".join(f"[{one}]" for one in value)
    return str(value).replace(",", "/")
