"""One sequence of color offsets that fools a model on a whole data set."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advvid.attacks.flickering.descent import DescentSteps, RandomStarts, start_offsets
from advvid.attacks.flickering.objective import FlickeringObjective
from advvid.checks import check_budget, check_clips, check_count, check_label_form
from advvid.errors import InputError
from advvid.inference.frozen import Model, frozen
from advvid.methods import check_setting
from advvid.random_streams import clip_seeds
from advvid.runs.files import write_atomically
from advvid.runs.progress import progress_bar

_KEY = "flickering_offsets"


@dataclass(frozen=True)
class UniversalOffsets:
    """Offsets for any clip with the same number of frames.

    Args:
        offsets: (3, T, 1, 1), fractions of the pixel range.
        fooling_rate: share of the clips of the data set that they fool.
        settings: they were found with.
    """

    offsets: Tensor
    fooling_rate: float
    settings: dict[str, Any] = field(default_factory=dict)

    def for_clips(self, clips: Tensor, eps: float | None = None) -> Tensor:
        """Give the offsets (1, 3, T, 1, 1) for clips, within a bound.

        Raises:
            InputError: when the clips have another number of frames.
        """
        if clips.shape[2] != self.offsets.shape[1]:
            raise InputError(
                f"the offsets are for {self.offsets.shape[1]} frames; got clips of "
                f"{clips.shape[2]}: fit them to clips of that length"
            )
        offsets = self.offsets[None].to(clips)
        return offsets if eps is None else offsets.clamp(-eps, eps)

    def save(self, path: str | Path) -> None:
        """Write the offsets as one safetensors file.

        Raises:
            InputError: when the file cannot be written.
        """
        from safetensors.torch import save_file

        facts = json.dumps({"fooling_rate": self.fooling_rate, "settings": self.settings})
        tensors = {_KEY: self.offsets.cpu().contiguous()}
        write_atomically(Path(path), lambda file: save_file(tensors, file, {"facts": facts}))

    @classmethod
    def load(cls, path: str | Path) -> "UniversalOffsets":
        """Read what `save` wrote.

        Raises:
            InputError: when the file is missing, or holds something else.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="pt") as file:
                offsets, facts = file.get_tensor(_KEY), json.loads(file.metadata()["facts"])
                return cls(offsets, float(facts["fooling_rate"]), dict(facts["settings"]))
        except OSError as error:
            raise InputError(f"cannot read the offsets {path}: {error}") from error
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} holds no flickering offsets: wanted a file of `UniversalOffsets.save`"
            ) from error


def universal_flickering(
    model: Model,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    objective: FlickeringObjective,
    eps: float | None = None,
    step_size: float = 0.005,
    epochs: int = 5,
    num_random_init: int = 0,
    optimizer: str = "adam",
    shift_draws: int = 0,
    seed: int | torch.Generator = 0,
    device: torch.device | None = None,
    progress: bool = False,
) -> UniversalOffsets:
    """Minimize the mean flickering objective over a data set, for one sequence of offsets.

    After each epoch the offsets are measured on all batches, over the same random rolls each time;
    those that fool most clips are kept, of equals the ones with the smallest loss.

    Args:
        model: clips -> logits (B, K).
        batches: clips (B, 3, T, H, W) in [0, 1], all of one T, and labels or targets int64 (B,);
            gone through twice for each epoch, so it has to be re-iterable.
        objective: see `FlickeringObjective`.
        eps: bound of the absolute offset, in (0, 1], or None.
        step_size: learning rate of Adam, or length of a sign step.
        epochs: passes of a run, at least 1.
        num_random_init: runs from random offsets, beside the one from none.
        optimizer: "adam" or "sign".
        shift_draws: random rolls in time that the offsets have to survive.
        seed: of starts and rolls.
        device: of the model; None is that of the batches.
        progress: show a bar.

    Returns:
        Offsets and the share of clips that they fool.

    Raises:
        InputError: when there are no clips, or they or the settings cannot be used.

    Source: Pony, Naeh and Mannor 2021, the universal attack.
    """
    check_count("epochs", epochs)
    check_setting("num_random_init", num_random_init, RandomStarts)
    if eps is not None:
        check_budget(eps)
    if isinstance(seed, torch.Generator):
        seed = int(torch.randint(2**62, (), generator=seed, device=seed.device))
    best: tuple[tuple[float, float], Tensor] | None = None
    passes = epochs * (1 + num_random_init)
    with frozen(model), progress_bar("Universal flickering", passes, shown=progress) as advance:
        for run in range(1 + num_random_init):
            descent = DescentSteps(optimizer, step_size)
            delta: Tensor | None = None
            taken = 0
            for _ in range(epochs):
                for clips, labels in batches:
                    clips, labels = _checked(clips, labels, device)
                    if delta is None:
                        shared = clip_seeds(seed, 1, device=clips.device)
                        bound = min(step_size * epochs / 2, 1.0) if eps is None else eps
                        delta = start_offsets(shared, clips, run, bound)
                    seeds = clip_seeds(seed, len(clips), device=clips.device)
                    rolls = objective.rolls(seeds, clips.shape[2], shift_draws, step=taken)
                    scale = objective.logit_scale(model, clips)
                    gradient, _, _ = objective.differentiate(
                        model, clips, labels, delta, rolls, scale, None
                    )
                    assert gradient is not None
                    delta = delta + descent.step(gradient)
                    if eps is not None:
                        delta = delta.clamp(-eps, eps)
                    taken += 1
                if delta is None:
                    raise InputError("universal flickering needs clips; got none")
                rank = _measure(model, batches, delta, objective, device, shift_draws, seed)
                if best is None or rank > best[0]:
                    best = (rank, delta)
                advance(1)
    assert best is not None
    settings = {
        "eps": eps,
        "step_size": step_size,
        "epochs": epochs,
        "num_random_init": num_random_init,
        "optimizer": optimizer,
        "shift_draws": shift_draws,
        "seed": seed,
        **vars(objective),
    }
    return UniversalOffsets(best[1][0].cpu(), best[0][0], settings)


def _measure(
    model: Model,
    batches: Iterable[tuple[Tensor, Tensor]],
    delta: Tensor,
    objective: FlickeringObjective,
    device: torch.device | None,
    shift_draws: int,
    seed: int,
) -> tuple[float, float]:
    """Give the share of clips (and rolls) that are fooled, and minus the mean objective."""
    fooled, value, count = 0.0, 0.0, 0
    for clips, labels in batches:
        clips, labels = _checked(clips, labels, device)
        # The same after every epoch.
        seeds = clip_seeds(seed, torch.arange(count, count + len(clips), device=clips.device))
        rolls = objective.rolls(
            seeds, clips.shape[2], shift_draws, step=0, stream="flicker measured"
        )
        scale = objective.logit_scale(model, clips)
        _, values, shares = objective.differentiate(
            model, clips, labels, delta, rolls, scale, None, wanted=False
        )
        fooled, value = fooled + float(shares.sum()), value + float(values.sum())
        count += len(clips)
    return fooled / count, -value / count


def _checked(clips: Tensor, labels: Tensor, device: torch.device | None) -> tuple[Tensor, Tensor]:
    check_clips(clips)
    check_label_form(labels, len(clips))
    where = clips.device if device is None else device
    return clips.detach().to(where), labels.to(where)
