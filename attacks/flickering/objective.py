"""What flickering minimizes, for offsets of each clip or of all."""

from dataclasses import dataclass
from typing import Annotated, TypedDict

import torch
from torch import Tensor

from advvid.attacks.core.losses import at_least_float32, is_adversarial
from advvid.attacks.flickering.terms import fooling_loss, roughness, thickness
from advvid.inference.frozen import Model
from advvid.methods import Setting, check_settings
from advvid.random_streams import uniform

Regularization = Annotated[float, Setting("lambda, the price of being visible", at_least=0)]
ThicknessWeight = Annotated[float, Setting("beta_1, price of the size of offsets", at_least=0)]
RoughnessWeight = Annotated[
    float, Setting("beta_2, price of their change from frame to frame", at_least=0)
]
Margin = Annotated[float, Setting("m, by which probabilities have to lead", above=0, at_most=1)]
Widen = Annotated[
    bool, Setting("scale logits that lie closer together than a trained model's; no as the paper")
]

# From the smallest to the largest logit of a clean clip, of a trained model with smoothed labels.
_SPREAD = 5.0


class FlickeringWeights(TypedDict, total=False):
    """What `FlickeringObjective` weighs, as options of attacks."""

    regularization: float
    thickness_weight: float
    roughness_weight: float
    margin: float
    widen: bool


@dataclass(frozen=True)
class FlickeringObjective:
    """lambda (beta_1 D_1 + beta_2 D_2) + L_adv, for clips whose labels are true or targets.

    Raises:
        InputError: naming the number that is out of range.
    """

    regularization: Regularization = 1.0
    thickness_weight: ThicknessWeight = 0.5
    roughness_weight: RoughnessWeight = 0.5
    margin: Margin = 0.05
    targeted: Annotated[bool, Setting("labels are targets")] = False
    widen: Widen = True

    def __post_init__(self) -> None:
        check_settings(self)

    def visibility(self, offsets: Tensor) -> Tensor:
        """Give the regularization term of offsets (B, 3, T, 1, 1), (B,)."""
        seen = self.thickness_weight * thickness(offsets)
        return self.regularization * (seen + self.roughness_weight * roughness(offsets))

    @torch.no_grad()
    def logit_scale(self, model: Model, clips: Tensor) -> Tensor:
        """Give what the logits of clips are multiplied by, (B, 1), at least 1.

        Probabilities of logits that lie close together are all alike, whatever the offsets: the
        price of being visible would decide alone. Widened, those of a clean clip span 5.
        """
        if not self.widen:
            return clips.new_ones(len(clips), 1)
        logits = at_least_float32(model(clips))
        spread = logits.amax(dim=1, keepdim=True) - logits.amin(dim=1, keepdim=True)
        return torch.where(spread > 0, _SPREAD / spread, 1).clamp_min(1)

    def rolls(
        self, seeds: Tensor, frames: int, draws: int, *, step: int, stream: str = "flicker roll"
    ) -> Tensor:
        """Draw by how many frames offsets are rolled: none, then `draws` at random.

        Args:
            seeds: int64 (B,).
            frames: T.
            draws: random rolls of each clip.
            step: of the attack; each has draws of its own.

        Returns:
            int64 (1 + draws, B).
        """
        none = torch.zeros(1, len(seeds), dtype=torch.int64, device=seeds.device)
        if draws == 0:
            return none
        drawn = uniform(seeds, (draws,), stream=stream, draw=step) * frames
        return torch.cat([none, drawn.to(torch.int64).T])

    def differentiate(
        self,
        model: Model,
        clips: Tensor,
        labels: Tensor,
        offsets: Tensor,
        rolls: Tensor,
        scale: Tensor,
        mask: Tensor | None,
        *,
        wanted: bool = True,
    ) -> tuple[Tensor | None, Tensor, Tensor]:
        """Give the gradient of the objective, and how good the offsets are.

        Args:
            model: clips -> logits, frozen.
            clips: (B, 3, T, H, W).
            labels: int64 (B,).
            offsets: (B, 3, T, 1, 1), or (1, 3, T, 1, 1) for all clips: then the gradient is that of
                the mean over the clips.
            rolls: see `rolls`; passes through the model for each.
            scale: see `logit_scale`.
            mask: bool, broadcastable to the clips, or None.
            wanted: whether a gradient is needed.

        Returns:
            Gradient of the shape of the offsets, or None; what is to be minimized among offsets
            that fool as often (B,): visibility if always, the fooling loss otherwise; the share of
            rolls that fool (B,).
        """
        share_of_each = len(offsets) / len(clips)
        gradient = torch.zeros_like(offsets)
        losses, fooled = [], []
        with torch.set_grad_enabled(wanted):
            delta = offsets.detach().requires_grad_(wanted)
            # One backward pass a roll: together they would keep the activations of all.
            for roll in rolls:
                spread = delta.expand(len(clips), *delta.shape[1:])
                moved = (clips + roll_in_time(spread, roll)).clamp(0, 1)
                seen = moved if mask is None else torch.where(mask, moved, clips)
                logits = at_least_float32(model(seen))
                loss = fooling_loss(scale * logits, labels, self.margin, targeted=self.targeted)
                losses.append(loss.detach())
                fooled.append(is_adversarial(logits.detach(), labels, self.targeted).float())
                if wanted:
                    total = loss.sum() * (share_of_each / len(rolls))
                    gradient += torch.autograd.grad(total, delta)[0]
            visible = self.visibility(delta.expand(len(clips), *delta.shape[1:]))
            if wanted:
                gradient += torch.autograd.grad(visible.sum() * share_of_each, delta)[0]
        fooling = torch.stack(losses).mean(dim=0)
        share = torch.stack(fooled).mean(dim=0)
        value = torch.where(share == 1, visible.detach(), fooling)
        return gradient if wanted else None, value, share


def roll_in_time(offsets: Tensor, roll: Tensor) -> Tensor:
    """Roll offsets (B, 3, T, 1, 1) by a number of frames each, int64 (B,)."""
    frames = offsets.shape[2]
    source = (torch.arange(frames, device=offsets.device) - roll[:, None]) % frames
    return offsets.gather(2, source[:, None, :, None, None].expand_as(offsets))
