"""What every attack class shares: ART's interface on one side, pure functions on the other."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from art.attacks.attack import EvasionAttack
from torch import Tensor

from advvid.attacks.core.declared_settings import DeclaredSettings, bound_settings
from advvid.attacks.core.linf_box import check_mask
from advvid.attacks.core.settings import check_default_budget, check_one_a_clip, checked_bound
from advvid.checks import check_array, check_clips, check_labels
from advvid.errors import InputError
from advvid.estimator.clip_interface import Array, ArrayOrTensor
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model
from advvid.inference.micro_batch import MicroBatcher
from advvid.methods.arguments import check_argument
from advvid.methods.setting import Setting, check_settings
from advvid.methods.text import note_small_budget
from advvid.random_streams import clip_seeds
from advvid.runs.progress import progress_bar

Access = Literal["white box", "black box", "control"]
"""What an attack uses: gradients, outputs only, or (a control) nothing of the model."""

Norm = Literal["Linf", "L2", "L1", "none"]
"""Of adversarial minus clean clip, what `eps` bounds; "none" for attacks that seek the nearest."""
_LINF: Norm = "Linf"


@dataclass(frozen=True)
class AttackBatch:
    """Clips that an attack changes together.

    Args:
        clips: (B, 3, T, H, W) in [0, 1] on the device of the classifier.
        labels: int64 (B,).
        seeds: int64 (B,), one random stream a clip.
        shared_seed: int64 (1,), the stream of what all clips of a run share.
        mask: where the attack may act, broadcastable to the clips, or None.
        positions: int64 (B,), places of the clips in the whole input.
    """

    clips: Tensor
    labels: Tensor
    seeds: Tensor
    shared_seed: Tensor
    mask: Tensor | None
    positions: Tensor


class Attacked(NamedTuple):
    """What an attack gives for some clips.

    `report` holds more, clip by clip: tensors whose first axis is that of the clips, under the same
    names for all batches. "support" (B or 1, ...), 0/1 and broadcastable to the clips, promises
    that nothing else was touched; an evaluation holds the attack to it.
    """

    clips: Tensor
    report: Mapping[str, Tensor] = {}


class VideoAttack(DeclaredSettings, EvasionAttack):
    """An evasion attack on clips with ART's interface.

    A subclass declares its settings as annotated attributes and implements `perturb` on one batch
    of tensors. Everything else happens here: arrays or tensors, the layout of the classifier,
    labels in any form ART allows, batches, random streams; arguments, checks, `attack_params` and
    help come from the settings. An attack like PGD that is confined to some pixels only says which:

        from typing import Annotated

        import torch

        from advvid.attacks import AttackBatch, LinfPGD, Setting

        class LastFrames(LinfPGD):
            \"\"\"PGD on the last frames of each clip.\"\"\"

            bound = "Linf in frames"
            frames: Annotated[int, Setting("how many, from the end", at_least=1)] = 4

            def support(self, batch: AttackBatch) -> torch.Tensor:
                \"\"\"Mark the last frames, bool (1, 1, T, 1, 1).\"\"\"
                frames = torch.arange(batch.clips.shape[2], device=batch.clips.device)
                return (frames >= len(frames) - self.frames).view(1, 1, -1, 1, 1)

    With that in my_attacks.py, `LastFrames(classifier, eps=8 / 255, frames=2)` is an attack, and so
    is the text "my_attacks:LastFrames:frames=2" wherever an attack is named.

    Attributes:
        norm: what `eps` bounds, see `Norm`; an evaluation checks every result in it. Where it is
            a setting, any but the default needs an `eps` of its own.
        bound: what is bounded, in words.
        access: what of the model is used, see `Access`.
        no_targets: why the attack cannot be targeted; "" where it can.
        report: what the last `generate` gave beside its clips, see `Attacked`.
    """

    # No annotations: where they are settings, their place among these is theirs.
    norm = _LINF
    bound = "Linf"
    access: ClassVar[Access] = "white box"
    no_targets: ClassVar[str] = ""
    common: ClassVar[tuple[str, ...]] = ("targeted", "batch_size", "seed", "verbose")
    _estimator_requirements = (VideoClassifier,)

    estimator: VideoClassifier
    _: KW_ONLY
    targeted: Annotated[bool, Setting("labels are targets")] = False
    batch_size: Annotated[
        int, Setting("clips attacked at once, halved when memory runs out", at_least=1)
    ] = 32
    seed: Annotated[
        int | torch.Generator,
        Setting("each clip draws from (seed, its position); a generator gives each call a seed"),
    ] = 0
    verbose: Annotated[bool, Setting("show progress when there are several batches")] = True

    def __init__(self, estimator: VideoClassifier, *args: Any, **settings: Any) -> None:
        check_argument("estimator", estimator, VideoClassifier)
        super().__init__(estimator=estimator)
        for name, value in bound_settings(type(self), args, settings).items():
            setattr(self, name, value)
        self.report: Mapping[str, Tensor] = {}
        self._check_params()
        if "norm" in self.attack_params and not (args or "eps" in settings):
            check_default_budget(self.norm, type(self).norm)

    def _check_params(self) -> None:
        super()._check_params()
        check_settings(self)
        if "norm" in self.attack_params:
            self.bound = checked_bound(type(self).bound, type(self).norm, self.values())
        if self.targeted and self.no_targets:
            raise InputError(f"{type(self).__name__} cannot be targeted: {self.no_targets}")
        self.check_together()

    def check_together(self) -> None:
        """Refuse settings that do not go together; each has been checked by itself.

        Raises:
            InputError: naming them.
        """

    def check_fit(self, clip_shape: tuple[int, ...]) -> None:
        """Refuse settings that clips (3, T, H, W) are too small for; attacks nothing."""

    def values(self) -> dict[str, Any]:
        """Give the settings of this kind of attack, without those that every attack has."""
        return {name: getattr(self, name) for name in self.attack_params if name not in self.common}

    @abstractmethod
    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch.

        Args:
            model: clips -> logits, through the preprocessing of the classifier.
            batch: clips, labels, random streams and where to act.

        Returns:
            Adversarial clips of the same shape, and a report.
        """

    def generate(
        self, x: ArrayOrTensor, y: ArrayOrTensor | None = None, **kwargs: Any
    ) -> ArrayOrTensor:
        """Attack clips.

        Args:
            x: clips in the layout of the classifier, float in [0, 1]; array or tensor.
            y: labels, int (B,) or one-hot (B, K). None takes the predictions of the classifier, so
                that nothing of the true labels leaks; a targeted attack needs them.
            kwargs: `mask`, 0/1, broadcastable to `x`: where the attack may act.

        Returns:
            Adversarial clips of the same shape; an array for an array, a tensor on the device of
            `x` for a tensor.

        Raises:
            InputError: when clips, labels or mask cannot be used.
        """
        mask = kwargs.pop("mask", None)
        if kwargs:
            raise InputError(f"generate takes x, y and mask; got {', '.join(kwargs)} as well")
        classifier = self.estimator
        # Sums over axes round in the order of memory: a layout must not change a bit.
        clips = classifier.to_clips(x).detach().contiguous()
        check_clips(clips, input_shape=classifier.clip_shape)
        check_one_a_clip(budget := getattr(self, "eps", None), len(clips))
        if self.norm == "Linf" and isinstance(budget, float):
            note_small_budget(budget)
        labels = self._labels(clips, y)
        support = None if mask is None else self._support(mask, clips)

        attacked = self.attack_clips(clips, labels, mask=support)
        self.report = attacked.report
        return classifier.from_clips(attacked.clips, like=x)

    def attack_clips(
        self,
        clips: Tensor,
        labels: Tensor,
        *,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> Attacked:
        """Attack checked tensors, batch by batch, whatever the layout of the classifier.

        Args:
            clips: (N, 3, T, H, W) in [0, 1].
            labels: int64 (N,).
            mask: where the attack may act, (1 or N, ...), or None.
            positions: int64 (N,): places of the clips in a larger run, which decide their random
                streams; None is 0 to N - 1.

        Returns:
            Adversarial clips (N, 3, T, H, W) and the report, on the device of `clips`.
        """
        classifier = self.estimator
        device = classifier.device
        model = classifier.differentiable()
        if positions is None:
            positions = torch.arange(len(clips))
        seed = self.seed
        if isinstance(seed, torch.Generator):
            seed = int(torch.randint(2**62, (), generator=seed, device=seed.device))
        shared_seed = clip_seeds(seed, 1, device=device)
        per_clip_mask = mask if mask is not None and len(mask) == len(clips) else None

        def attack(
            clips: Tensor, labels: Tensor, seeds: Tensor, positions: Tensor, *own_mask: Tensor
        ) -> tuple[Tensor, ...]:
            support = own_mask[0] if own_mask else mask
            attacked = self.perturb(
                model,
                AttackBatch(
                    clips.to(device),
                    labels.to(device),
                    seeds.to(device),
                    shared_seed,
                    None if support is None else support.to(device),
                    positions,
                ),
            )
            advance(len(clips))
            report = dict(attacked.report)
            if support is not None:
                report.setdefault("support", support)
            names[:] = report
            parts = (attacked.clips, *report.values())
            # What all clips share is repeated, so that batches can be joined.
            return tuple(p.to(clips.device).expand(len(clips), *p.shape[1:]) for p in parts)

        shown = self.verbose and len(clips) > self.batch_size
        tensors = [clips, labels, clip_seeds(seed, positions), positions]
        if per_clip_mask is not None:
            tensors.append(per_clip_mask)
        names: list[str] = []
        with progress_bar(type(self).__name__, len(clips), shown=shown) as advance:
            adversarial, *report = MicroBatcher(self.batch_size).run(attack, *tensors)
        return Attacked(adversarial, dict(zip(names, report, strict=True)))

    def _labels(self, clips: Tensor, y: ArrayOrTensor | None) -> Tensor:
        """Bring labels into the form int64 (B,); fall back on predictions."""
        classifier = self.estimator
        if y is None:
            if self.targeted:
                raise InputError(
                    "a targeted attack needs labels; got y=None: hand in the target class of each "
                    "clip"
                )
            return classifier.logits(clips).argmax(dim=1).to(clips.device)
        labels = classifier.to_labels(y).to(clips.device)
        check_labels(labels, len(clips), classifier.nb_classes)
        return labels

    def _support(self, mask: ArrayOrTensor, clips: Tensor) -> Tensor:
        """Bring a mask in the layout of the classifier into (1 or B, ...)."""
        check_array("mask", mask)
        given = torch.from_numpy(mask) if isinstance(mask, np.ndarray) else mask
        if given.ndim > 5:
            raise InputError(f"the mask has {given.ndim} axes, more than the clips have")
        given = given[(None,) * (5 - given.ndim)]
        return check_mask(self.estimator.to_canonical(given), clips)


def batch_budget(eps: float | Tensor | Array, batch: AttackBatch) -> float | Tensor:
    """Give the budget of all clips of a batch, or that of each (B,)."""
    budgets = torch.as_tensor(eps)
    if budgets.ndim == 0:
        return float(budgets)
    return budgets[batch.positions.to(budgets.device)].to(batch.clips)
