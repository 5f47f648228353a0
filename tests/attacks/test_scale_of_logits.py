"""A model cannot hide behind large or small logits: each attack fools it as it does at scale 1."""

import pytest
import torch
from torch import Tensor, nn

from advvid.attacks import parse_attack
from advvid.estimator import VideoClassifier
from tests.clip_models import CLASSES, bent_model, random_clips

ATTACKS = (
    "pgd:max_iter=10",
    "pgd:max_iter=10,loss=cw",
    "masked-pgd:max_iter=10,ratio=0.5,corner=0x0",
    "frame-border:max_iter=10,ratio=0.5",
    "frame-saliency:max_iter=10",
    "sparse:max_iter=10,frames=2",
    "apgd-ce:max_iter=10",
    "apgd-dlr:max_iter=10",
    "apgd-t:max_iter=10,targets=2",
)


class Scaled(nn.Module):
    def __init__(self, inner: nn.Module, scale: float) -> None:
        super().__init__()
        self.inner, self.scale, self.num_classes = inner, scale, CLASSES

    def forward(self, clips: Tensor) -> Tensor:
        logits: Tensor = self.inner(clips)
        return self.scale * logits


@pytest.mark.parametrize("text", ATTACKS)
def test_scaled_logits_are_attacked_as_well(text: str) -> None:
    model = bent_model()
    clips, _ = random_clips(16)
    with torch.no_grad():
        labels = model(clips).argmax(dim=1)
    left = []
    for scale in (1, 1e-3, 3e2, 1e5):
        classifier = VideoClassifier(Scaled(model, scale))
        attack = parse_attack(text).build(classifier, eps=4 / 255, verbose=False)
        attacked = attack.attack_clips(clips, labels).clips
        with torch.no_grad():
            left.append(int((model(attacked).argmax(dim=1) == labels).sum()))
    assert left[0] < 16
    # Where logits are small, or large, log odds weigh the other classes evenly, or the nearest one.
    assert max(left) <= left[0] + 1
