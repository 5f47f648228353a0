"""The attack that weights are chosen by while a model is trained."""

from torch import Tensor, nn

from advvid.attacks.core.step_law import PAPER_LAW, StepSizeLaw
from advvid.attacks.pgd import linf_pgd
from advvid.checks import check_budget, check_count
from advvid.methods.arguments import checked
from advvid.training.measuring.robust_check import RobustCheck


@checked
def pgd_check(
    eps: float,
    *,
    steps: int = 10,
    law: StepSizeLaw = PAPER_LAW,
    clips: int | None = 200,
    seed: int = 0,
    keep_best: bool = True,
) -> RobustCheck:
    """Measure accuracy under PGD after each epoch, and keep the weights of the best.

    A clip counts as fooled once any iterate fools the model.

    Args:
        eps: budget in (0, 1].
        steps: gradient steps.
        law: step size.
        clips: how many validation clips, and as many training clips, evenly over the classes;
            None takes all.
        seed: of the choice of clips.
        keep_best: False only measures, and keeps the last weights.

    Raises:
        InputError: naming the number that is out of range.
    """
    check_budget(eps)
    check_count("steps", steps)
    name = f"pgd at eps {255 * eps:.4g}, {steps} steps, {law}"

    def attack(model: nn.Module, clips: Tensor, labels: Tensor, seeds: Tensor) -> Tensor:
        return linf_pgd(
            model, clips, labels, eps=eps, step_size=law, steps=steps, early_stop=True, seed=seeds
        )

    return RobustCheck(attack, name, clips, seed, keep_best, eps)
