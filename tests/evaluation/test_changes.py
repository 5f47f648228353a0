"""How far clips were changed is measured from the clips, not told by the attack."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch

import advvid
from advvid.attacks import AttackBatch, Attacked, VideoAttack
from advvid.evaluation import Evaluation, evaluate
from advvid.evaluation.judge import changes
from advvid.evaluation.views.markdown import report
from advvid.inference.frozen import Model
from tests.clip_models import CLASSES, LinearClipModel, random_clips


def test_frames_thickness_and_roughness_of_a_known_change() -> None:
    clean = torch.full((2, 3, 4, 2, 2), 0.5)
    changed = clean.clone()
    changed[0, 0, 1, 0, 0] += 0.1  # one pixel of one frame
    changed[1] += torch.tensor([0.2, 0.0, 0.2, 0.0]).view(1, 4, 1, 1)
    found = changes(clean, changed)
    assert found["frames"].tolist() == [1, 2]
    assert found["thickness"].tolist() == pytest.approx([100 * 0.1 / 48, 10])
    # The change comes and goes: twice its size in a quarter of the pixels of a channel.
    assert found["roughness"].tolist() == pytest.approx([100 * 0.2 / 48, 20])


class FirstFrames(VideoAttack):
    """Blacken as many frames as a clip has pixels above a half in its corner: 1 to 3."""

    norm = "none"

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        clips = batch.clips.clone()
        many = 1 + batch.positions % 3
        for clip, count in zip(clips, many.tolist(), strict=True):
            clip[:, :count] = 0
        # What an attack says of itself is not believed.
        return Attacked(clips, {"frames": torch.zeros(len(clips))})


def found() -> Evaluation:
    clips, _ = random_clips(12)
    classifier = advvid.VideoClassifier(LinearClipModel(classes=CLASSES))
    attack = FirstFrames(classifier, verbose=False)
    return evaluate(classifier, 0.2 + 0.6 * clips, attacks=attack, eps=[1.0], alarms=False)


def test_results_tell_frames_thickness_and_roughness() -> None:
    results = found()
    (one,) = results.results
    assert results.frames == 4
    assert one.changes["frames"].tolist() == [1, 2, 3] * 4
    assert one.change("frames") == 2
    assert one.fooled.any()
    assert one.change("frames", fooled=True) == one.changes["frames"][one.fooled].mean()
    (row,) = results.to_dict()["results"]
    assert row["clip_frames"] == [1, 2, 3] * 4
    assert row["frames_changed"] == 2
    assert row["thickness"] > 0
    line = list(csv.DictReader(io.StringIO(results.to_csv())))[1]
    assert float(line["frames_changed"]) == 2
    assert float(line["thickness_of_fooled"]) == pytest.approx(row["thickness_of_fooled"], abs=1e-3)
    assert "| frames of 4 |" in report(results)


def test_accuracy_falls_with_the_frames_that_may_be_changed() -> None:
    results = found()
    (one,) = results.results
    by_frames = [
        accuracy.value
        for accuracy in results.accuracy_by_frames("tests.evaluation.test_changes:FirstFrames")
    ]
    expected = [1 - np.mean(one.fooled & (one.changes["frames"] <= k)) for k in (1, 2, 3, 4)]
    assert by_frames == pytest.approx(expected)
    assert by_frames == sorted(by_frames, reverse=True)
    assert by_frames[-1] == one.accuracy.value < 1
    assert results.to_dict()["results"][0]["accuracy_by_frames"] == by_frames
    assert "at most 4" in report(results)


def test_an_attack_on_all_frames_has_no_accuracy_by_frames() -> None:
    results = found()
    (one,) = results.results
    everywhere = replace(one, changes={**one.changes, "frames": np.full(12, 4.0)})
    assert "at most" not in report(replace(results, results=(everywhere,)))
