"""What the attacks of other toolkits share when they run on clips."""

import io
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn

from advvid.attacks.core.video_attack import Access, AttackBatch, Attacked, Norm, VideoAttack
from advvid.attacks.toolkits.foreign_recipe import Recipe
from advvid.attacks.toolkits.foreign_settings import arguments_of, budget_settings, foreign_settings
from advvid.attacks.toolkits.global_random import global_seed
from advvid.checks import check_budget
from advvid.errors import InputError, first_line
from advvid.estimator.video_classifier import VideoClassifier
from advvid.inference.frozen import Model, frozen
from advvid.methods import NamedSetting, Setting
from advvid.methods.suggestion import did_you_mean

_ROUNDING = 1e-6


class ForeignAttack(VideoAttack):
    """An attack of another toolkit, run batch by batch.

    It draws from the global random generators, which are seeded for each batch and restored: the
    same seed and batches give the same result, other batches another.

    Args:
        estimator: an `advvid.VideoClassifier`.
        name: of the attack, such as "PGD".
        eps: budget in the norm of the recipe; None is the toolkit's default.
        settings: further arguments of the toolkit's class, whose step size is `eps_step`, and
            those of every `VideoAttack`.

    Attributes:
        toolkit: prefix of the names.
        recipes: what is offered.
        refused: name -> why it is not offered.
        hidden: arguments of the toolkit's classes that are not the user's.
        short_names: other name -> name.
    """

    toolkit: ClassVar[str]
    recipes: ClassVar[Mapping[str, Recipe]]
    refused: ClassVar[Mapping[str, str]]
    hidden: ClassVar[tuple[str, ...]]
    short_names: ClassVar[Mapping[str, str]] = {}

    name: Annotated[str, Setting("as the toolkit calls it")] = ""
    eps: Annotated[float | None, Setting("budget in the norm of the recipe", above=0)] = None
    settings: Annotated[Mapping[str, Any], Setting("further arguments of the toolkit's class")] = (
        MappingProxyType({})
    )

    def __init__(
        self, estimator: VideoClassifier, name: str, *, eps: float | None = None, **settings: Any
    ) -> None:
        common = {key: settings.pop(key) for key in self.common if key in settings}
        super().__init__(estimator, name=name, eps=eps, settings=settings, **common)

    @property
    def recipe(self) -> Recipe:
        """How it is run."""
        return self.recipes[self.name]

    @classmethod
    @abstractmethod
    def foreign_class(cls, name: str) -> type:
        """Import the toolkit's class for a recipe."""

    @property
    def norm(self) -> Norm:  # type: ignore[override]
        """What `eps` bounds."""
        return self.recipe.norm

    @property
    def bound(self) -> str:  # type: ignore[override]
        """What is bounded, in words."""
        return self.recipe.bound

    @property
    def access(self) -> Access:  # type: ignore[override]
        """What of the model is used."""
        return self.recipe.access

    def values(self) -> dict[str, Any]:
        """Give the settings of the toolkit's class; see `VideoAttack.values`."""
        return {"eps": self.eps, **self.settings}

    @classmethod
    def canonical(cls, name: str) -> str | None:
        """Give the name of a recipe, of a refused attack, or of a short name, in any capitals."""
        names = (*cls.recipes, *cls.refused, *cls.short_names)
        found = {one.lower(): one for one in names}.get(name.lower())
        return None if found is None else cls.short_names.get(found, found)

    @classmethod
    def settings_of(cls, name: str) -> dict[str, NamedSetting]:
        """Give the settings of a recipe that a text can hold."""
        return foreign_settings(cls.foreign_class(name), cls.hidden, cls.recipes[name])

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

    def check_together(self) -> None:
        """Refuse what the recipe does not have; see `VideoAttack.check_together`."""
        if self.name not in self.recipes:
            why = self.refused.get(self.name, "there is no attack of that name")
            raise InputError(f"{self._full_name} is not offered: {why}")
        if self.targeted and not self.recipe.targets:
            raise InputError(f"{self._full_name} cannot be targeted")
        if self.eps is not None and self.recipe.norm == "Linf":
            check_budget(self.eps)
        settings = self.settings_of(self.name)
        known = {*arguments_of(self.foreign_class(self.name)), *settings} - set(self.hidden)
        unknown = next((key for key in self.settings if key not in known), None)
        if unknown is not None:
            hint = did_you_mean(unknown, settings) or f"choose from {', '.join(settings)}"
            raise InputError(f"{self._full_name} has no setting {unknown!r}; {hint}")

    @property
    def _full_name(self) -> str:
        return f"{self.toolkit}/{self.name}"

    def perturb(self, model: Model, batch: AttackBatch) -> Attacked:
        """Attack one batch; see `VideoAttack.perturb`."""
        if batch.mask is not None:
            raise InputError(f"{self._full_name} takes no mask: use an attack of advvid")
        clips, seed = batch.clips, int(batch.seeds[0])
        height, width = clips.shape[-2:]
        if self.recipe.square and height != width:
            raise InputError(
                f"{self._full_name} takes square frames; got {height} x {width}: crop them"
            )
        with self._as_guest(model, seed):
            adversarial = self.run(model, clips.clone(), batch.labels.clone(), seed)
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
                f"{self._full_name} needs a package more: pip install {error.name}"
            ) from error
        except Exception as error:
            # Somebody else's code may fail with anything.
            raise InputError(f"{self._full_name} failed: {first_line(error)}") from error
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
