"""What every attack checks before it begins."""

from torch import Tensor

from advvid.checks import check_budget, check_clips, check_count, check_label_form
from advvid.errors import InputError


def checked_batch(
    clips: Tensor, labels: Tensor, *, eps: float | Tensor | None = None, **counts: int
) -> Tensor:
    """Check clips, labels, budget and counts, and detach the clips.

    Args:
        clips: (B, 3, T, H, W) float in [0, 1].
        labels: int64 (B,).
        eps: budget in (0, 1], one for all or (B,); None where there is none.
        counts: by name, such as steps and restarts, each at least 1.

    Raises:
        InputError: naming what cannot be used.
    """
    clips = clips.detach()
    check_clips(clips)
    check_label_form(labels, len(clips))
    if int(labels.min()) < 0:
        raise InputError(f"labels must be class indices from 0; got {int(labels.min())}")
    if eps is not None:
        check_budget(eps)
    for name, count in counts.items():
        check_count(name, count)
    return clips
