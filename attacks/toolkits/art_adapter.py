"""ART's evasion attacks by their names."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn
from torch.nn import functional as F

from advvid.attacks.toolkits.art_table import HIDDEN, RECIPES, REFUSED, SHORT_NAMES
from advvid.attacks.toolkits.folded_clips import FoldedModel, fold_time, unfold_time
from advvid.attacks.toolkits.foreign_attack import ForeignAttack
from advvid.attacks.toolkits.foreign_recipe import Recipe
from advvid.estimator.clip_interface import Array
from advvid.inference.frozen import Model


class FoldedClassifier(PyTorchClassifier):
    """A model of folded clips as ART's classifier; float64, which some attacks make, is cast.

    Args:
        model: gives logits or probabilities.
        images: folded clips of the shape and on the device that will come.
        nb_classes: K.
    """

    def __init__(self, model: FoldedModel, images: Tensor, nb_classes: int) -> None:
        super().__init__(
            model=model,
            loss=nn.CrossEntropyLoss(),
            input_shape=tuple(images.shape[1:]),
            nb_classes=nb_classes,
            channels_first=model.fold != "NTHWC",
            clip_values=(0.0, 1.0),
            device_type="cpu" if images.device.type == "cpu" else "gpu",
        )
        self._device = images.device
        self._model.to(images.device)

    def predict(self, x: Array, *args: Any, **kwargs: Any) -> Array:
        """Classify; see ART's PyTorchClassifier."""
        return np.asarray(super().predict(_single(x), *args, **kwargs))

    def loss_gradient(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Differentiate the loss; see ART's PyTorchClassifier."""
        return super().loss_gradient(_single(x), *args, **kwargs)

    def class_gradient(self, x: Array, *args: Any, **kwargs: Any) -> Array:
        """Differentiate the outputs; see ART's PyTorchClassifier."""
        return np.asarray(super().class_gradient(_single(x), *args, **kwargs))


class ArtAttack(ForeignAttack):
    """An attack of ART, such as `ArtAttack(classifier, "SquareAttack", max_iter=100)`."""

    toolkit: ClassVar[str] = "art"
    recipes: ClassVar[Mapping[str, Recipe]] = RECIPES
    refused: ClassVar[Mapping[str, str]] = REFUSED
    hidden: ClassVar[tuple[str, ...]] = HIDDEN
    short_names: ClassVar[Mapping[str, str]] = SHORT_NAMES

    @classmethod
    def foreign_class(cls, name: str) -> type:
        """Import the class of ART for a recipe."""
        import art.attacks.evasion

        found: type = getattr(art.attacks.evasion, RECIPES[name].attack or name)
        return found

    def run(self, model: Model, clips: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Attack clips; see `ForeignAttack.run`."""
        recipe, classes = self.recipe, self.estimator.nb_classes
        folded = FoldedModel(model, recipe.fold, clips, probabilities=recipe.probabilities)
        images = fold_time(clips, recipe.fold)
        classifier = FoldedClassifier(folded.eval(), images, classes)
        size = 1 if recipe.one_by_one else len(clips)
        arguments = self.arguments(targeted=self.targeted, batch_size=size, verbose=False)
        attack: Any = self.foreign_class(self.name)(classifier, **arguments)
        one_hot = F.one_hot(labels, classes).float().cpu()
        results = [
            attack.generate(some.cpu().numpy(), y.numpy() if self._gives_labels else None)
            for some, y in zip(images.split(size), one_hot.split(size), strict=True)
        ]
        back = torch.from_numpy(np.concatenate(results).astype(np.float32)).to(clips.device)
        return unfold_time(back, recipe.fold, channels=clips.shape[1], frames=clips.shape[2])

    @property
    def _gives_labels(self) -> bool:
        return self.recipe.labels or self.targeted


def _single(x: Any) -> Any:
    """Bring an array to float32; tensors have it."""
    return x if isinstance(x, Tensor) else np.asarray(x, dtype=np.float32)
