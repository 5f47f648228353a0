"""What every attack class shares: ART's interface on one side, pure functions on the other."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from art.attacks.attack import EvasionAttack
from torch import Tensor

from advvid.checks import check_clips, check_count, check_labels
from advvid.errors import InputError
from advvid.estimator.clip_interface import ArrayOrTensor
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model
from advvid.inference.micro_batch import MicroBatcher
from advvid.random_streams import clip_seeds
from advvid.runs.progress import progress_bar


class Attacked(NamedTuple):
    """What an attack gives for some clips.

    `report` tells more, clip by clip: tensors whose first axis is that of the clips, under the same
    names for all batches. "support" (B or 1, ...), 0/1 and broadcastable to the clips, promises
    that nothing else was touched; an evaluation holds the attack to it.
    """

    clips: Tensor
    report: Mapping[str, Tensor] = {}


class VideoAttack(EvasionAttack):
    """An evasion attack on clips with ART's interface.

    A subclass stores its settings, lists them in `attack_params` and implements `perturb` on one
    batch of tensors in the layout (B, 3, T, H, W). Everything else happens here: arrays or tensors,
    the layout of the classifier, labels in any form ART allows, batches, random streams.

    Args:
        estimator: the classifier under attack.
        targeted: labels are targets.
        batch_size: clips attacked at once; halved when memory runs out.
        seed: each clip draws its random numbers from (seed, position in `x`); a generator gives
            every call of `generate` a seed of its own.
        verbose: show progress when there is more than one batch.

    Attributes:
        report: what the last `generate` has to tell beyond its clips, see `Attacked`.
    """

    attack_params: ClassVar[list[str]] = ["targeted", "batch_size", "seed", "verbose"]
    _estimator_requirements = (VideoClassifier,)

    def __init__(
        self,
        estimator: VideoClassifier,
        *,
        targeted: bool,
        batch_size: int,
        seed: int | torch.Generator,
        verbose: bool,
    ) -> None:
        super().__init__(estimator=estimator)
        self.targeted = targeted
        self.batch_size = batch_size
        self.seed = seed
        self.verbose = verbose
        self.report: Mapping[str, Tensor] = {}
        self._check_params()

    def _check_params(self) -> None:
        super()._check_params()
        check_count("batch_size", self.batch_size)

    @abstractmethod
    def perturb(
        self,
        model: Model,
        clips: Tensor,
        labels: Tensor,
        *,
        seeds: Tensor,
        shared_seed: Tensor,
        mask: Tensor | None,
        positions: Tensor,
    ) -> Attacked:
        """Attack one batch.

        Args:
            model: clips -> logits, through the preprocessing of the classifier.
            clips: (B, 3, T, H, W) in [0, 1] on the device of the classifier.
            labels: int64 (B,).
            seeds: int64 (B,), one random stream a clip.
            shared_seed: int64 (1,), the stream of what all clips of a run share.
            mask: where the attack may act, broadcastable to the clips, or None.
            positions: int64 (B,), where the clips stand in the whole input.

        Returns:
            Adversarial clips of the same shape, and what else there is to tell.
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
        classifier: VideoClassifier = self.estimator
        clips = classifier.to_clips(x).detach()
        check_clips(clips, input_shape=classifier.clip_shape)
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
            positions: int64 (N,): where the clips stand in a larger run, which decides their random
                streams; None is 0 to N - 1.

        Returns:
            Adversarial clips (N, 3, T, H, W) and the report, on the device of `clips`.
        """
        classifier: VideoClassifier = self.estimator
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
            part = own_mask[0] if own_mask else mask
            attacked = self.perturb(
                model,
                clips.to(device),
                labels.to(device),
                seeds=seeds.to(device),
                shared_seed=shared_seed,
                mask=None if part is None else part.to(device),
                positions=positions,
            )
            advance(len(clips))
            names[:] = attacked.report
            parts = (attacked.clips, *attacked.report.values())
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
        classifier: VideoClassifier = self.estimator
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
        classifier: VideoClassifier = self.estimator
        given = torch.from_numpy(mask) if isinstance(mask, np.ndarray) else mask
        if given.ndim > 5:
            raise InputError(f"the mask has {given.ndim} axes, more than the clips have")
        given = given[(None,) * (5 - given.ndim)]
        support = classifier.to_canonical(given)
        if len(support) not in (1, len(clips)):
            raise InputError(
                f"the mask is for {len(support)} clips; got {len(clips)} clips: give one mask for "
                "all or one for each"
            )
        return support != 0
