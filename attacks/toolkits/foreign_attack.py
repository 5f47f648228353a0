"""What the attacks of other toolkits share when they run on clips."""

import io
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from advvid.attacks.core.attack_entry import AttackEntry
from advvid.attacks.core.setting_text import Reader
from advvid.attacks.core.video_attack import Attacked, VideoAttack
from advvid.attacks.toolkits.foreign_recipe import Recipe
from advvid.attacks.toolkits.foreign_settings import arguments_of, budget_settings, foreign_readers
from advvid.attacks.toolkits.global_random import global_seed
from advvid.errors import InputError
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen

_ROUNDING = 1e-6


class ForeignAttack(VideoAttack):
    """An attack of another toolkit, run batch by batch.

    It draws from the global random generators, which are seeded for each batch and restored: the
    same seed and batches give the same result, other batches another.

    Args:
        estimator: an `advvid.VideoClassifier`.
        name: of the attack, such as "PGD".
        eps: budget in the norm of the recipe; None is the toolkit's default.
        targeted: labels are targets.
        batch_size: clips attacked at once.
        seed: see `VideoAttack`.
        verbose: show progress when there is more than one batch.
        settings: further arguments of the toolkit's class; its step size is `eps_step`.

    Attributes:
        toolkit: prefix of the names.
        recipes: what is offered.
        refused: name -> why it is not offered.
        hidden: arguments of the toolkit's classes that are not the user's.
        short_names: other name -> name.
    """

    attack_params: ClassVar[list[str]] = [*VideoAttack.attack_params, "name", "eps", "settings"]
    toolkit: ClassVar[str]
    recipes: ClassVar[Mapping[str, Recipe]]
    refused: ClassVar[Mapping[str, str]]
    hidden: ClassVar[tuple[str, ...]]
    short_names: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        estimator: VideoClassifier,
        name: str,
        *,
        eps: float | None = None,
        targeted: bool = False,
        batch_size: int = 32,
        seed: int | torch.Generator = 0,
        verbose: bool = True,
        **settings: Any,
    ) -> None:
        self.name = name
        self.eps = eps
        self.settings = settings
        super().__init__(
            estimator, targeted=targeted, batch_size=batch_size, seed=seed, verbose=verbose
        )

    @property
    def recipe(self) -> Recipe:
        """How it is run."""
        return self.recipes[self.name]

    @classmethod
    @abstractmethod
    def foreign_class(cls, name: str) -> type:
        """Import the toolkit's class for a recipe."""

    @classmethod
    def readers(cls, name: str) -> dict[str, Reader]:
        """Give the settings that a text can hold, and how to read each."""
        takes_law = cls.recipes[name].step is None
        return foreign_readers(cls.foreign_class(name), cls.hidden, takes_law=takes_law)

    @abstractmethod
    def run(self, model: Model, clips: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Run the toolkit's attack on clips (B, 3, T, H, W); see `perturb`."""

    def arguments(self, **offered: Any) -> dict[str, Any]:
        """Collect the arguments of the toolkit's class: of `offered`, those that it has."""
        parameters = arguments_of(self.foreign_class(self.name))
        return {
            **{key: value for key, value in offered.items() if key in parameters},
            **self.recipe.defaults,
            **budget_settings(self.recipe, parameters, self.eps, self.settings),
        }

    def _check_params(self) -> None:
        super()._check_params()
        if self.name not in self.recipes:
            why = self.refused.get(self.name, "there is no attack of that name")
            raise InputError(f"{self.toolkit}/{self.name} is not offered: {why}")
        if self.targeted and not self.recipe.targets:
            raise InputError(f"{self.toolkit}/{self.name} cannot be targeted")
        known = {*arguments_of(self.foreign_class(self.name)), *self.readers(self.name)}
        unknown = [key for key in self.settings if key not in known - set(self.hidden)]
        if unknown:
            raise InputError(
                f"{self.toolkit}/{self.name} has no setting {unknown[0]!r}; choose from "
                f"{', '.join(self.readers(self.name))}"
            )

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
        """Attack one batch; see `VideoAttack.perturb`."""
        if mask is not None:
            raise InputError(f"{self.toolkit}/{self.name} takes no mask: use an attack of advvid")
        height, width = clips.shape[-2:]
        if self.recipe.square and height != width:
            raise InputError(
                f"{self.toolkit}/{self.name} takes square frames; got {height} x {width}: crop them"
            )
        seed = int(seeds[0])
        with self._as_guest(model, seed):
            adversarial = self.run(model, clips.clone(), labels.clone(), seed)
        adversarial = adversarial.detach().to(clips)
        # Where a gradient vanishes, attacks that divide by its norm give NaN: nothing was found.
        adversarial = torch.where(adversarial.isnan(), clips, adversarial)
        if self.recipe.norm == "L2" and self.eps is not None:
            adversarial = _without_rounding(clips, adversarial, self.eps)
        return Attacked(adversarial)

    @contextmanager
    def _as_guest(self, model: Model, seed: int) -> Iterator[None]:
        """Let nothing of the toolkit out but its result: no print, seed, gradient or traceback."""
        parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
        gradients = [parameter.grad for parameter in parameters]
        silence = io.StringIO()
        try:
            with (
                frozen(model),
                global_seed(seed),
                torch.enable_grad(),
                redirect_stdout(silence),
                redirect_stderr(silence),
                warnings.catch_warnings(),
            ):
                warnings.simplefilter("ignore")
                yield
        except (InputError, torch.OutOfMemoryError):
            raise
        except ModuleNotFoundError as error:
            raise InputError(
                f"{self.toolkit}/{self.name} needs a package more: pip install {error.name}"
            ) from error
        except Exception as error:
            # Somebody else's code may fail with anything.
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise InputError(f"{self.toolkit}/{self.name} failed: {reason[0]}") from error
        finally:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient


def _without_rounding(clips: Tensor, adversarial: Tensor, eps: float) -> Tensor:
    """Take back what the rounding of a norm over all pixels of a clip adds to an L2 budget."""
    delta = (adversarial - clips).flatten(1).double()
    share = (1 - _ROUNDING) * eps / delta.norm(dim=1).clamp(min=eps)
    rounded = (share < 1 - _ROUNDING) & (share > 1 - 100 * _ROUNDING)
    shrunk = clips + (delta * share[:, None]).view_as(clips).to(clips)
    return torch.where(rounded.view(-1, 1, 1, 1, 1), shrunk, adversarial)


@dataclass(frozen=True)
class ForeignEntry(AttackEntry):
    """An attack of another toolkit by its name.

    Args:
        name: as its toolkit calls it.
    """

    name: str = ""

    def readers(self) -> Mapping[str, Reader]:
        """Give the settings that a text can hold, and how to read each."""
        return self._foreign.readers(self.name)

    def build(self, classifier: VideoClassifier, **settings: Any) -> VideoAttack:
        """Make the attack for a classifier."""
        return self._foreign(classifier, self.name, **settings)

    @property
    def _foreign(self) -> type[ForeignAttack]:
        assert issubclass(self.attack, ForeignAttack)
        return self.attack


def foreign_entries(attack: type[ForeignAttack]) -> dict[str, AttackEntry]:
    """Give the registry's entries of a toolkit, by "toolkit/Name"."""
    return {
        f"{attack.toolkit}/{name}": ForeignEntry(
            attack, recipe.bound, recipe.access, f"{name} of {attack.toolkit}", recipe.norm, name
        )
        for name, recipe in attack.recipes.items()
    }
