"""A model that masters the attacks it trains on, and no others: who says so, and what is kept."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advvid.defenses import DEFENSES, pgd_check
from advvid.training import EpochRecord, History, TrainSettings, learning_curve, train
from advvid.training.measuring.catastrophic_overfitting import onsets, overfits
from advvid.training.measuring.measures import Measured
from advvid.training.task import CountedAttack
from tests.training.stand_ins import TinyNet, ToyClips

SETTINGS = TrainSettings(epochs=3, batch_size=6, lr=0.05)
EPS = 40 / 255


def run(out: Path | None, text: str, **changes: Any) -> History:
    """Train on attacks, and check by PGD at the budget that they are allowed."""
    prepared = DEFENSES.read(text).prepare(ToyClips(30))
    return train(
        TinyNet(dropout=0),
        ToyClips(30),
        ToyClips(12),
        settings=replace(SETTINGS, **changes),
        out=out,
        task=prepared.task,
        robust=pgd_check(EPS, steps=5),
        device="cpu",
    )


def test_it_is_told_once_while_the_model_trains_and_written_down(tmp_path: Path) -> None:
    """Attacks too small a step to reach their budget are mastered, as those that overfit are."""
    with pytest.warns(UserWarning, match="catastrophic overfitting") as caught:
        history = run(tmp_path / "run", "at:eps=40,step_rule=0.01,attack_steps=1")
    found = [record.epoch for record in history.epochs if record.catastrophic_overfitting]
    assert found
    told = [str(one.message) for one in caught if "catastrophic" in str(one.message)]
    assert len(told) == 1
    first = history.epochs[found[0] - 1]
    assert first.train_top1 > 0.6
    assert first.seen_robust_top1 is not None
    assert first.seen_robust_top1 < 0.2
    for word in (f"from epoch {first.epoch} on", "--random-start", "--attack-steps", "GradAlign"):
        assert word in told[0]
    assert json.loads((tmp_path / "run" / "results.json").read_text())["warnings"] == told
    rows = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [row["catastrophic_overfitting"] for row in rows] == [
        record.catastrophic_overfitting for record in history.epochs
    ]
    assert "catastrophic_overfitting" in (tmp_path / "run" / "history.csv").read_text()
    # No clip stands PGD in any epoch, so accuracy without attack decides; but not for these.
    assert history.best_epoch is not None
    assert history.best_epoch <= found[0]


def test_sound_training_and_what_cannot_be_compared_stay_silent(
    recwarn: pytest.WarningsRecorder,
) -> None:
    sound = run(None, "at:eps=40,attack_steps=5", epochs=2)
    assert [record.catastrophic_overfitting for record in sound.epochs] == [False, False]
    weaker = run(None, "at:eps=8,step_rule=0.01,attack_steps=1", epochs=2)
    assert [record.catastrophic_overfitting for record in weaker.epochs] == [None, None]
    assert not [one for one in recwarn if "catastrophic" in str(one.message)]


def test_half_of_what_is_right_and_a_quarter_of_it() -> None:
    def judged(own: float, left: float | None, **more: Any) -> bool | None:
        given: dict[str, Any] = {"counted": CountedAttack(8 / 255), "robust_eps": 8 / 255, **more}
        return overfits(train_top1=own, robust_top1=left, classes=10, **given)

    assert judged(0.91, 0.0)
    assert judged(0.55, 0.13)
    assert judged(0.54, 0.0) is False
    assert judged(0.91, 0.23) is False
    # Half of the clips are clean, and all of them may be right.
    assert judged(0.91, 0.0, counted=CountedAttack(8 / 255, 0.5))
    assert judged(0.75, 0.0, counted=CountedAttack(8 / 255, 0.5)) is False
    assert judged(0.91, 0.0, counted=CountedAttack(4 / 255)) is None
    assert judged(0.91, 0.0, counted=None) is None
    assert judged(0.91, 0.0, counted=CountedAttack(8 / 255, 0.0)) is None
    assert judged(0.91, None) is None
    assert judged(0.91, 0.0, robust_eps=None) is None


@pytest.mark.parametrize(
    ("text", "eps", "share"),
    [
        ("at:eps=8", 8, 1),
        ("at:eps=8,clean_share=0.25", 8, 0.75),
        ("at:eps=8,attack=[pgd:eps=4/255]", 4, 1),
        ("at:eps=linear:4:8@iteration", 5, 1),
        ("at:attack=masked-pgd,eps=64", None, 1),
        ("cat:eps=8", 8, 1),
        ("aat:eps=2/4", 2, 1),
        ("aat:eps=8,attack=[pgd]/[flickering]", None, 1),
        ("trades:eps=8", 8, 1),
        ("free:eps=8,replays=4", 8, 0.75),
        ("fast:eps=8", 8, 1),
    ],
)
def test_each_defense_says_what_its_clips_were_attacked_with(
    text: str, eps: float | None, share: float
) -> None:
    task = DEFENSES.read(text).prepare(ToyClips(30)).task(TinyNet())
    # The last of 2 epochs of 2 steps: iterations 2 and 3 of 0 to 3.
    counted = task.counted_attack(1, 2, 2)
    if eps is None:
        assert counted is None
        return
    assert counted is not None
    expected = 4 + 4 * 2 / 3 if "iteration" in text else eps
    assert [255 * counted.eps, counted.share] == pytest.approx([expected, share])


def record(epoch: int, overfitted: bool | None) -> EpochRecord:
    return EpochRecord(
        epoch,
        1.0,
        0.91,
        1.0,
        0.9,
        0.1,
        1.0,
        seen_robust_top1=0.0,
        catastrophic_overfitting=overfitted,
    )


def test_each_onset_is_told_once() -> None:
    epochs = [record(1 + n, flag) for n, flag in enumerate((None, True, True, False, True))]
    assert [text.split(":")[0] for text in onsets(epochs)] == [
        "catastrophic overfitting from epoch 2 on",
        "catastrophic overfitting from epoch 5 on",
    ]
    assert "gets 91% of the attacks right" in onsets(epochs)[0]
    assert "0% of training clips under PGD" in onsets(epochs)[0]


def test_weights_that_overfit_are_behind_all_others() -> None:
    sound = Measured(1.0, 0.5, 0.0, catastrophic_overfitting=False)
    broken = Measured(1.0, 0.9, 0.1, catastrophic_overfitting=True)
    unjudged = Measured(1.0, 0.4, 0.0)
    assert sound.score > unjudged.score > broken.score
    assert Measured(1.0, 0.8, 0.1, catastrophic_overfitting=True).score < broken.score


def test_the_learning_curve_shades_these_epochs() -> None:
    epochs = [record(1, False), record(2, True), record(3, True)]
    for axes in learning_curve(History(epochs)).axes:
        legend = axes.get_legend()
        assert legend is not None
        labels = [text.get_text() for text in legend.get_texts()]
        assert labels.count("catastrophic overfitting") == 1
        assert len(axes.patches) == 2
