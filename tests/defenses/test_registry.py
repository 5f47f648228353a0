"""Every defense trains, can be resumed, and refuses what it does not take."""

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.data.loader import ClipBatch
from advvid.defenses import (
    DEFENSES,
    AdaptiveTraining,
    AdversarialTraining,
    CurriculumTraining,
    Defense,
    FastTraining,
    FreeTraining,
    Prepared,
    Schedule,
    TradesTraining,
    as_schedule,
    build_defense,
    half,
    pgd_check,
    read_defense,
)
from advvid.defenses.core import defense
from advvid.errors import InputError
from advvid.methods import settings_of
from advvid.methods.text import reader_of
from advvid.training import Loss, StepContext, StepTask, TrainSettings, train
from advvid.training.records.checkpoints import load_checkpoint
from tests.training.stand_ins import TinyNet, ToyClips, same, weights_in

SETTINGS = TrainSettings(epochs=3, batch_size=6, lr=0.01, checkpoint_every=1)
OPTIONS: dict[str, dict[str, Any]] = {
    "at": {"clean_share": 0.3, "random_start": True, "attack_steps": as_schedule(2)},
    "aat": {"eps": (0.0, 0.02, 0.05), "attack_steps": 1, "update_every": 1},
    "cat": {"attack_steps": as_schedule(1)},
    "trades": {"attack_steps": as_schedule(1)},
    "free": {"replays": 2},
    "fast": {},
}


class Interrupted(StepTask):
    """The task of a defense, interrupted once."""

    at: int | None = None

    def losses(self, batch: ClipBatch, context: StepContext) -> Iterator[Loss]:
        if context.iteration == self.at:
            raise KeyboardInterrupt
        return super().losses(batch, context)


def run(name: str, out: Path, *, stop: int | None = None, resume: bool = False) -> None:
    prepared = build_defense(name, ToyClips(30), **OPTIONS[name])
    model = TinyNet()
    made = prepared.task(model)
    assert isinstance(made, StepTask)
    task = Interrupted(model, made.step, name=made.name)
    task.at = stop
    train_by(prepared, out, task=task, model=model, resume=resume)


def train_by(prepared: Prepared, out: Path, **options: Any) -> None:
    assert prepared.data is not None
    train(
        options.pop("model", None) or TinyNet(),
        prepared.data,
        ToyClips(9),
        settings=SETTINGS,
        out=out,
        robust=pgd_check(prepared.eps, steps=2, clips=6),
        device="cpu",
        **{"task": prepared.task, **options},
    )


@pytest.mark.parametrize("name", DEFENSES)
def test_an_interrupted_run_ends_in_the_same_weights(name: str, tmp_path: Path) -> None:
    run(name, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(name, tmp_path / "broken", stop=7)
    assert load_checkpoint(tmp_path / "broken" / "checkpoint.pt").iteration > 0
    run(name, tmp_path / "broken", resume=True)
    assert same(weights_in(tmp_path / "whole"), weights_in(tmp_path / "broken"))
    whole, broken = (
        load_checkpoint(tmp_path / each / "checkpoint.pt") for each in ("whole", "broken")
    )
    assert whole.best is not None
    assert broken.best is not None
    assert same(whole.best["model"], broken.best["model"])
    rows = [
        [{k: v for k, v in r.items() if k != "seconds"} for r in c.history] for c in (whole, broken)
    ]
    assert rows[0] == rows[1]
    assert whole.task_state == broken.task_state
    first, second = ((tmp_path / e / "model.safetensors").read_bytes() for e in ("whole", "broken"))
    assert first == second


@pytest.mark.parametrize("name", DEFENSES)
def test_other_settings_are_refused_at_a_resume(name: str, tmp_path: Path) -> None:
    run(name, tmp_path)
    eps = (0.0, 0.03) if name == "aat" else 0.01
    prepared = build_defense(name, ToyClips(30), **{**OPTIONS[name], "eps": eps})
    with pytest.raises(InputError, match=r"step .*eps=") as caught:
        train_by(prepared, tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_what_each_takes_and_its_largest_budget() -> None:
    data = ToyClips(30)
    assert build_defense("at", data).eps == pytest.approx(8 / 255)
    assert build_defense("cat", data).eps == pytest.approx(12 / 255)
    adaptive = build_defense("aat", data)
    assert adaptive.eps == pytest.approx(12 / 255)
    assert adaptive.data is not None
    assert len(adaptive.data) == 27
    assert build_defense("at", data, attack=("pgd:eps=4/255",)).eps == pytest.approx(4 / 255)


@pytest.mark.parametrize("attack", ["frame-border:eps=0.5", "torchattacks/PGDL2:eps=2"])
def test_weights_are_not_chosen_by_a_budget_that_nothing_survives(attack: str) -> None:
    # Half the pixel range, or 2 in the L2 norm, mean nothing for PGD on whole clips.
    adaptive = build_defense("aat", ToyClips(30), attack=("pgd", attack), eps=as_schedule(4 / 255))
    assert adaptive.eps == pytest.approx(8 / 255)
    assert build_defense("at", ToyClips(30), attack=(attack,)).eps == pytest.approx(8 / 255)


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("att", {}, "did you mean"),
        ("at", {"beta": 2.0}, "means nothing"),
        ("at", {"attack": ("pgd", "square")}, "use aat"),
        (
            "at",
            {"attack": ("square",), "attack_steps": as_schedule(3)},
            "attack_steps means nothing",
        ),
        ("at:attack=flickering,step_rule=half", {}, "step_rule means nothing for flickering"),
        ("at", {"eps": (0.1, 0.2)}, "use aat"),
        ("aat", {"eps": as_schedule(0.1)}, "several budgets"),
        ("aat", {"held_out": 30}, "nothing is left"),
        ("aat", {"attack": ("pgd", "square"), "eps": Schedule("linear", (0, 0.1))}, "no schedule"),
        ("cat", {"attack": ("pgd:eps=0.1",)}, "budget|eps"),
        (
            "at",
            {"attack": ("pgd:max_iter=3",), "attack_steps": Schedule("list", (1, 2))},
            "max_iter",
        ),
        ("at", {"attack": ("random-noise",), "attack_steps": Schedule("list", (1, 2))}, "max_iter"),
        ("cat", {"eps": Schedule("cosine", (0, 0.1)), "direction": "down"}, "schedule"),
        ("aat", {"attack_steps": Schedule("linear", (1, 5))}, "no schedule"),
        ("at", {"attack_steps": 0}, "whole numbers"),
        ("at", {"clean_share": 1.0}, "clean_share"),
        ("at", {"random_start": "yes"}, "random_start"),
        ("trades", {"beta": -1.0}, "beta"),
        ("free", {"replays": 0}, "replays"),
        ("free", {"eps": Schedule("linear", (0, 0.1))}, "one budget"),
        ("aat:eps=0/linear:0:4", {}, "one of several"),
        ("at:eps=300", {}, "from 0 to 255"),
        ("at:eps=4", {"eps": 0.1}, "eps is given twice"),
        ("at:clean_shar=0.1", {}, "did you mean clean_share"),
        ("at:attack=[pgd]/[square]", {}, "use aat"),
        ("at:eps=4/8", {}, "use aat"),
        ("cat:direction=left", {}, "up, down"),
        ("no.such.module:Defense", {}, "cannot import"),
        ("pathlib.purepath:Path", {}, "cannot import|no class"),
        ("pathlib:Path", {}, "subclass of advvid.defenses"),
    ],
)
def test_invalid_arguments_are_one_line(name: str, options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        build_defense(name, ToyClips(30), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("at", AdversarialTraining()),
        (
            "at:attack=[masked-pgd:ratio=0.3,max_iter=2],eps=64,clean_share=0.5,random_start=yes",
            AdversarialTraining(
                attack=("masked-pgd:ratio=0.3,max_iter=2",),
                eps=as_schedule(64).scaled(1 / 255),
                clean_share=0.5,
                random_start=True,
            ),
        ),
        (
            "at:eps=linear:0:12@iteration,step_rule=half,attack_steps=list:1:2",
            AdversarialTraining(
                eps=Schedule("linear", (0, 12), "iteration").scaled(1 / 255),
                step_rule=half(PAPER_LAW),
                attack_steps=Schedule("list", (1, 2)),
            ),
        ),
        (
            "AAT:update_every=10,eps=0/4/8,held_out=5",
            AdaptiveTraining(eps=(0, 4 / 255, 8 / 255), update_every=10, held_out=5),
        ),
        (
            "aat:attack=[pgd]/[torchattacks/PGDL2:eps=2],eps=4,attack_batch_norm=train",
            AdaptiveTraining(
                attack=("pgd", "torchattacks/PGDL2:eps=2"),
                eps=as_schedule(4).scaled(1 / 255),
                attack_batch_norm="train",
            ),
        ),
        ("cat:direction=down", CurriculumTraining(direction="down")),
        ("trades:beta=3,step_rule=2", TradesTraining(beta=3.0, step_rule=StepSizeLaw(0.0, 2.0))),
        ("free:replays=2", FreeTraining(replays=2)),
        ("fast:attack_batch_norm=train", FastTraining(attack_batch_norm="train")),
    ],
)
def test_text_is_the_settings(text: str, made: Defense) -> None:
    assert read_defense(text) == made


def test_every_setting_can_be_read_and_has_help() -> None:
    for kind in DEFENSES.values():
        assert kind.summary
        assert kind.passes
        for setting in settings_of(kind).values():
            assert reader_of(setting) is not None
            assert len(setting.about.help) > 10
            setting.check(setting.default)
    assert [kind.default_eps() for kind in DEFENSES.values()] == [
        "8",
        "0/2/4/6/8/10/12",
        "12",
        "8",
        "8",
        "8",
    ]


def test_the_example_of_the_documentation_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = textwrap.dedent((defense.__doc__ or "").split("\n\n", 2)[2])
    (tmp_path / "my_module.py").write_text(example)
    monkeypatch.chdir(tmp_path)
    text = "my_module:NoiseTraining:eps=4"
    made = build_defense(text, ToyClips(30))
    assert made.eps == pytest.approx(4 / 255)
    train_by(made, tmp_path / "run")
    with pytest.raises(InputError, match="eps"):
        train_by(
            build_defense("my_module:NoiseTraining", ToyClips(30)), tmp_path / "run", resume=True
        )
    with pytest.raises(InputError, match="does not change"):
        build_defense("my_module:NoiseTraining:eps=linear:0:4", ToyClips(30))


def test_settings_of_the_test_are_those_that_count() -> None:
    assert replace(SETTINGS, checkpoint_every=0).identity() == SETTINGS.identity()
