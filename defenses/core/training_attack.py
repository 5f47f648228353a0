"""How clips are attacked inside a training step."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from advvid.attacks.core.video_attack import AttackBatch
from advvid.attacks.spec import AttackSpec, parse_attack
from advvid.defenses.core.schedules import Schedule, as_schedule, check_steps
from advvid.defenses.core.step_rules import EQUAL_TO_BUDGET, StepRule, step_size
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.inference.probe import probe_model
from advvid.methods.arguments import checked
from advvid.training.labels import hard_labels
from advvid.training.mode import normalizations
from advvid.training.scale.sync_batch_norm import local_batch_norm
from advvid.training.step import Step
from advvid.training.task import CLASSIFIER, EpochContext, StepContext

AttackBatchNorm = Literal["eval", "train"]

# The budget of PGD on whole clips by which training on other bounds is measured.
_USUAL_BUDGET = 8 / 255


@checked
@dataclass(frozen=True)
class TrainingAttack:
    """An attack with settings, whose budget comes anew with every call.

    Args:
        attack: `NAME[:key=value,...]` of the registry; what the text fixes wins over all else.
        eps_step: step size, where the attack takes one; see `StepRule`.
        max_iter: gradient steps, where the attack takes them; may be a schedule.
        random_start: start anywhere in the budget instead of at the clip.
        batch_norm: "eval" attacks the model as it will be used, with running statistics; "train"
            normalizes by the statistics of the attacked batch (as the authors of VideoAT do), all
            else in evaluation mode. Either way running statistics stay what they are.

    Attributes:
        spec: the attack as the registry knows it.

    Raises:
        InputError: for an unknown attack, or settings that it does not take.
    """

    attack: str = "pgd"
    eps_step: StepRule = EQUAL_TO_BUDGET
    max_iter: int | Schedule = 5
    random_start: bool = False
    batch_norm: AttackBatchNorm = "eval"
    spec: AttackSpec = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", parse_attack(self.attack))
        check_steps(self.max_iter)
        spec = self.spec
        if spec.norm != "Linf" and spec.eps is None:
            raise InputError(
                f"{self.attack} does not bound the Linf norm: give it a budget of its own, such as "
                f"{spec.name}:eps=2"
            )
        if self.random_start and not self.takes("num_random_init"):
            raise InputError(f"{self.attack} has no random start of its own")
        for name in ("eps_step", "max_iter"):
            self.check_schedule(name, getattr(self, name))

    def takes(self, name: str) -> bool:
        """Tell whether the attack has a setting of that name."""
        return name in self.spec.entry.settings()

    def check_schedule(self, name: str, value: object) -> None:
        """Refuse a schedule for a setting that the attack has not, or that its text fixes.

        Raises:
            InputError: naming attack and setting.
        """
        changes = isinstance(value, Schedule) and value.kind != "constant"
        if changes and (name in self.spec.settings or not self.takes(name)):
            raise InputError(f"{self.attack} has an {name} that no schedule can change")

    @property
    def changes(self) -> bool:
        """Whether a schedule changes the attack while a model trains."""
        scheduled = isinstance(self.eps_step, Schedule)
        return scheduled or as_schedule(self.max_iter).kind != "constant"

    def whole_clip_budget(self, eps: float) -> float | None:
        """Give the Linf budget on whole clips of an attack at `eps`; None for other bounds."""
        budget = eps if self.spec.eps is None else self.spec.eps
        return budget if self.spec.bound == "Linf" else None

    def fair_budget(self, eps: float) -> float:
        """Give the budget of PGD on whole clips that a model so trained is fairly measured at.

        That of the attack where it may change whole clips within a Linf budget; at most 8 / 255
        where it is confined to a part of them (whose budget may be 1) or bounds another norm.

        Args:
            eps: that it trains with, unless the text fixes another.
        """
        if (whole := self.whole_clip_budget(eps)) is not None:
            return whole
        spec = self.spec
        budget = eps if spec.eps is None else spec.eps
        return min(budget, _USUAL_BUDGET) if spec.norm == "Linf" else _USUAL_BUDGET

    def check_fit(self, model: nn.Module, clips: Tensor) -> None:
        """Refuse settings of the attack that do not go with a model and clips such as these.

        Raises:
            InputError: see `VideoAttack.check_fit`.
        """
        eps = _USUAL_BUDGET if self.spec.eps is None else self.spec.eps
        attack = self.spec.build(wrapped(model, clips), eps=eps, verbose=False)
        attack.check_fit(tuple(clips.shape[1:]))

    def __call__(
        self,
        model: nn.Module,
        clips: Tensor,
        labels: Tensor,
        seeds: Tensor,
        *,
        eps: float,
        shared_seed: int = 0,
        progress: tuple[int, int, int, int] = (0, 1, 0, 1),
        estimator: VideoClassifier | None = None,
    ) -> Tensor:
        """Attack clips; mode, statistics and gradients of the model do not change.

        Args:
            model: clips -> logits.
            clips: (B, 3, T, H, W) in [0, 1].
            labels: int64 (B,), or soft (B, K), of which the largest is attacked.
            seeds: int64 (B,), one random stream a clip.
            eps: budget, at least 0; 0 changes nothing, unless the text fixes another.
            shared_seed: of what all clips share.
            progress: of the run, for schedules; see `StepContext.progress`.
            estimator: the model as `wrapped` gives it; None wraps it for this call.

        Returns:
            Adversarial clips (B, 3, T, H, W).
        """
        spec = self.spec
        budget = eps if spec.eps is None else spec.eps
        if budget == 0 or len(clips) == 0:
            return clips
        wanted: dict[str, Any] = {
            "eps_step": step_size(self.eps_step, eps, progress),
            "max_iter": round(as_schedule(self.max_iter).at(*progress)),
        }
        if self.random_start:
            wanted["num_random_init"] = 1
        taken = {name: value for name, value in wanted.items() if self.takes(name)}
        if not spec.entry.takes_law:
            # Steps of other attacks are no PGD steps: their own defaults hold.
            taken.pop("eps_step", None)
        attack = spec.build(
            wrapped(model, clips) if estimator is None else estimator,
            eps=budget,
            batch_size=len(clips),
            verbose=False,
            **taken,
        )
        shared = torch.tensor([shared_seed], device=clips.device)
        by_batch = self.batch_norm == "train"
        with frozen(model), _batch_statistics(model) if by_batch else nullcontext():
            # A plain callable is attacked in the mode that it is in, which is set here.
            target: Model = model.__call__ if by_batch else model
            positions = torch.arange(len(clips), device=clips.device)
            batch = AttackBatch(
                clips, hard_labels(labels), seeds, shared, mask=None, positions=positions
            )
            attacked = attack.perturb(target, batch)
        return attacked.clips.detach()


def wrapped(model: nn.Module, clips: Tensor) -> VideoClassifier:
    """Wrap a model as the estimator that attacks want, for clips such as these."""
    classes = getattr(model, "num_classes", None) or probe_model(model, clips[:1]).shape[1]
    return VideoClassifier(
        model, nb_classes=classes, input_shape=tuple(clips.shape[1:]), device=clips.device
    )


class AttackingStep(Step):
    """A step that attacks the classifier it trains; wraps it once."""

    _estimator: VideoClassifier | None = None

    @abstractmethod
    def attacks(self) -> Sequence[TrainingAttack]:
        """Give all attacks that are trained on."""

    def check_fit(self, passes: Mapping[str, nn.Module], clips: Tensor) -> None:
        """Refuse clips that an attack does not fit; see `Hooks.check_fit`."""
        for attack in self.attacks():
            attack.check_fit(passes[CLASSIFIER], clips)

    def attacked(
        self,
        attack: TrainingAttack,
        context: StepContext | EpochContext,
        clips: Tensor,
        *given: Tensor,
        **options: Any,
    ) -> Tensor:
        """Attack clips by the classifier of a run; see `TrainingAttack.__call__`."""
        if len(clips) and (self._estimator is None or self._estimator.inner is not context.bare):
            self._estimator = wrapped(context.bare, clips)
        return attack(context.bare, clips, *given, estimator=self._estimator, **options)


@contextmanager
def _batch_statistics(model: nn.Module) -> Iterator[None]:
    """Let batch norms normalize by the batch, of this process, and keep their statistics."""
    norms = normalizations(model)
    modes = [norm.training for norm in norms]
    kept = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]
    try:
        for norm in norms:
            norm.train(True)
        with local_batch_norm():
            yield
    finally:
        for norm, mode in zip(norms, modes, strict=True):
            norm.train(mode)
        with torch.no_grad():
            for buffer, value in kept:
                buffer.copy_(value)
