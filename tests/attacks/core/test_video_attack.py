"""Settings declared as attributes: arguments, checks, `attack_params`, help; own attacks."""

import inspect
import textwrap
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from torch import Tensor

from advvid.attacks import (
    AttackBatch,
    Attacked,
    AutoAttack,
    FrameSaliency,
    LinfPGD,
    MaskedPGD,
    Setting,
    VideoAttack,
    attack_text,
    parse_attack,
)
from advvid.errors import InputError
from advvid.estimator import VideoClassifier
from advvid.inference.frozen import Model
from tests.clip_models import CLASSES, LinearClipModel, random_clips

COMMON = ["targeted", "batch_size", "seed", "verbose"]


def classifier() -> VideoClassifier:
    return VideoClassifier(LinearClipModel(classes=CLASSES))


class Brighten(VideoAttack):
    """Brighter clips; see nowhere."""

    access = "black box"
    no_targets = "it is only bright"
    eps: Annotated[float, Setting("how much brighter", above=0, at_most=0.5)] = 0.1
    channel: Annotated[int | None, Setting("which; not given, all", at_least=0, at_most=2)] = None
    fade: Annotated[bool, Setting("less from frame to frame")] = False

    def check_together(self) -> None:
        if self.fade and self.channel is not None:
            raise InputError("fade is for all channels: leave channel out")

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        del model
        where = slice(None) if self.channel is None else self.channel
        clips = batch.clips.clone()
        clips[:, where] += self.eps
        return Attacked(clips.clamp(0, 1))


class Darken(Brighten):
    """Another default, and nothing else."""

    eps = 0.2


def test_attributes_are_arguments_in_their_order_and_the_common_ones_by_keyword() -> None:
    attack = LinfPGD(classifier(), 4 / 255, None, 7, seed=3)
    assert (attack.eps, attack.eps_step, attack.max_iter, attack.seed) == (4 / 255, None, 7, 3)
    assert (attack.num_random_init, attack.loss, attack.batch_size) == (0, "ce", 32)
    parameters = inspect.signature(MaskedPGD).parameters
    own = ["eps", "eps_step", "max_iter", "num_random_init", "loss", "early_stop"]
    patch = ["ratio", "size", "corner", "shared", "motion"]
    assert list(parameters) == ["estimator", *own, *patch, "norm", *COMMON]
    assert parameters["eps"].default == 1.0
    assert parameters["ratio"].annotation is float
    assert all(parameters[name].kind is inspect.Parameter.KEYWORD_ONLY for name in COMMON)
    assert Darken(classifier()).eps == 0.2


def test_help_has_every_setting_with_its_range_and_default() -> None:
    text = inspect.getdoc(MaskedPGD)
    assert text is not None
    assert "ratio: share of the frame; above 0 and at most 1; default 0.15." in text
    assert "batch_size: clips attacked at once" in text


def test_attack_params_are_arts_and_set_params_checks() -> None:
    assert MaskedPGD.attack_params[:4] == COMMON
    assert Brighten.attack_params == [*COMMON, "eps", "channel", "fade"]
    attack = Brighten(classifier(), verbose=False)
    attack.set_params(eps=0.3, verbose=True, batch_size=2)
    assert (attack.eps, attack.verbose, attack.batch_size) == (0.3, True, 2)
    with pytest.raises(InputError, match=r"eps must be above 0 and at most 0\.5; got 0\.7"):
        attack.set_params(eps=0.7)
    with pytest.raises(ValueError, match="cannot be set"):
        attack.set_params(color=1)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"eps": 0.6}, "eps must be above 0 and at most 0.5; got 0.6"),
        ({"channel": 3}, "channel must be a whole number of at least 0 and at most 2; got 3"),
        ({"channel": 1.5}, "channel must be a whole number"),
        ({"fade": "yes"}, "fade must be True or False; got 'yes'"),
        ({"fade": True, "channel": 1}, "leave channel out"),
        ({"targeted": True}, "Brighten cannot be targeted: it is only bright"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1; got 0"),
    ],
)
def test_settings_are_checked_one_by_one_and_together(kwargs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Brighten(classifier(), **kwargs)


def test_arguments_that_are_none_say_what_was_meant() -> None:
    with pytest.raises(TypeError, match="LinfPGD has no setting 'max_iters'; did you mean max_it"):
        LinfPGD(classifier(), max_iters=3)
    with pytest.raises(TypeError, match="Brighten: too many positional arguments"):
        Brighten(classifier(), 0.1, None, False, 3)
    with pytest.raises(TypeError, match="LinfPGD: multiple values for argument 'eps'"):
        LinfPGD(classifier(), 0.1, eps=0.1)
    # One name on all attacks; the other one is ART's.
    with pytest.raises(TypeError, match="'nb_random_init'; did you mean num_random_init"):
        AutoAttack(classifier(), nb_random_init=2)
    # Its start is the clip, and frames end it.
    with pytest.raises(TypeError, match="has no setting 'num_random_init'"):
        FrameSaliency(classifier(), num_random_init=1)


def test_numbers_of_numpy_are_numbers() -> None:
    numbers: dict[str, Any] = {"eps": np.float32(0.1), "max_iter": np.int64(3)}
    attack = LinfPGD(classifier(), verbose=False, **numbers)
    clips, labels = random_clips(3)
    plain = LinfPGD(classifier(), eps=float(np.float32(0.1)), max_iter=3, verbose=False)
    assert torch.equal(attack.generate(clips, labels), plain.generate(clips, labels))


def test_an_init_of_its_own_keeps_its_arguments() -> None:
    class Shift(Brighten):
        def __init__(self, estimator: VideoClassifier, by: float, **settings: Any) -> None:
            super().__init__(estimator, by, **settings)

    assert list(inspect.signature(Shift).parameters) == ["estimator", "by", "settings"]
    assert Shift(classifier(), 0.25).eps == 0.25


def test_a_mask_of_the_caller_is_reported_as_support() -> None:
    clips, labels = random_clips(5)
    mask = torch.zeros(5, 1, 4, 8, 8)
    attack = LinfPGD(classifier(), batch_size=2, verbose=False)
    attack.generate(clips, labels, mask=mask)
    assert torch.equal(attack.report["support"], mask != 0)
    attack.generate(clips, labels)
    assert "support" not in attack.report


def test_the_example_of_the_docstring_is_an_attack_by_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = inspect.getdoc(VideoAttack)
    assert text is not None
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("    from typing"))
    end = next(i for i in range(start, len(lines)) if lines[i].startswith("With that"))
    (tmp_path / "my_attacks.py").write_text(textwrap.dedent("\n".join(lines[start:end])))
    monkeypatch.chdir(tmp_path)
    spec = parse_attack("my_attacks:LastFrames:frames=2,max_iter=3")
    assert (spec.name, spec.entry.bound) == ("my_attacks:LastFrames", "Linf in frames")
    assert spec.entry.summary == "PGD on the last frames of each clip"
    attack = spec.build(classifier(), eps=0.1, verbose=False)
    clips, labels = random_clips(5)
    changed: Tensor = attack.generate(clips, labels) != clips
    assert changed.any(4).any(3).any(1).tolist() == [[False, False, True, True]] * 5
    text = "my_attacks:LastFrames:eps=0.1,max_iter=3,frames=2"
    assert attack_text(attack) == text
    assert parse_attack(text).settings == {"eps": 0.1, "frames": 2, "max_iter": 3}
    with pytest.raises(InputError, match="my_attacks:LastFrames: frames must be a whole number"):
        parse_attack("my_attacks:LastFrames:frames=0")
    with pytest.raises(InputError, match=r"subclass of advvid\.attacks\.core.*VideoAttack"):
        parse_attack("fractions:Fraction")
