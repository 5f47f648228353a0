"""Every defense trains, can be resumed, and refuses what it does not take."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advvid.defenses import DEFENSES, Schedule, as_schedule, build_defense, pgd_check
from advvid.errors import InputError
from advvid.training import TrainSettings, train
from advvid.training.checkpoints import load_checkpoint
from tests.training.stand_ins import TinyNet, ToyClips, same, weights_in

SETTINGS = TrainSettings(epochs=3, batch_size=6, lr=0.01, checkpoint_every=1)
OPTIONS: dict[str, dict[str, Any]] = {
    "at": {"clean_share": 0.3, "random_start": True, "attack_steps": as_schedule(2)},
    "aat": {"eps": (0.0, 0.02, 0.05), "attack_steps": as_schedule(1), "update_every": 1},
    "cat": {"attack_steps": as_schedule(1)},
    "trades": {"attack_steps": as_schedule(1)},
    "free": {"replays": 2},
    "fast": {},
}


class Interrupted:
    """Passes everything on to a step, and is interrupted once."""

    def __init__(self, step: Any, at: int) -> None:
        self.step, self.at = step, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self.step, name)

    def __call__(self, model: Any, clips: Any, labels: Any, context: Any) -> Any:
        if context.iteration == self.at:
            raise KeyboardInterrupt
        return self.step(model, clips, labels, context)


def run(name: str, out: Path, *, stop: int | None = None, resume: bool = False) -> None:
    defense = build_defense(name, ToyClips(30), **OPTIONS[name])
    step: Any = defense.step
    settings = SETTINGS
    if stop is not None:
        step = Interrupted(step, stop)
        # The wrapper has another name, and nothing else of the run differs.
        step.__qualname__ = repr(defense.step)
    train(
        TinyNet(),
        defense.data,
        ToyClips(9),
        settings=settings,
        out=out,
        step=step,
        resume=resume,
        robust=pgd_check(defense.eps, steps=2, clips=6),
        device="cpu",
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
    defense = build_defense(
        name,
        ToyClips(30),
        **{
            **OPTIONS[name],
            "eps": (0.0, 0.03) if name == "aat" else as_schedule(0.01),
        },
    )
    with pytest.raises(InputError, match="step"):
        train(
            TinyNet(),
            defense.data,
            ToyClips(9),
            settings=SETTINGS,
            out=tmp_path,
            resume=True,
            step=defense.step,
            robust=pgd_check(defense.eps, steps=2, clips=6),
            device="cpu",
        )


def test_what_each_takes_and_its_largest_budget() -> None:
    data = ToyClips(30)
    assert build_defense("at", data).eps == pytest.approx(8 / 255)
    assert build_defense("cat", data).eps == pytest.approx(12 / 255)
    adaptive = build_defense("aat", data)
    assert adaptive.eps == pytest.approx(12 / 255)
    assert len(adaptive.data) == 27
    assert build_defense("at", data, attack=("pgd:eps=4/255",)).eps == pytest.approx(4 / 255)


@pytest.mark.parametrize("attack", ["frame-border:eps=0.5", "torchattacks/PGDL2:eps=2"])
def test_weights_are_not_chosen_by_a_budget_that_nothing_stands(attack: str) -> None:
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
        ("trades", {"attack_steps": Schedule("linear", (1, 5))}, "no schedule"),
        ("free", {"eps": Schedule("linear", (0, 0.1))}, "one budget"),
    ],
)
def test_slips_are_one_line(name: str, options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        build_defense(name, ToyClips(30), **options)
    assert "\n" not in str(caught.value)


def test_settings_of_the_test_are_those_that_count() -> None:
    assert replace(SETTINGS, checkpoint_every=0).identity() == SETTINGS.identity()
