"""The attacks of torchattacks by their names."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from advvid.attacks.toolkits.folded_clips import FoldedModel, fold_time, unfold_time
from advvid.attacks.toolkits.foreign_attack import ForeignAttack
from advvid.attacks.toolkits.foreign_recipe import Recipe
from advvid.attacks.toolkits.torchattacks_table import HIDDEN, RECIPES, REFUSED
from advvid.inference.frozen import Model


class TorchattacksAttack(ForeignAttack):
    """An attack of torchattacks, such as `TorchattacksAttack(classifier, "PGD", steps=20)`."""

    toolkit: ClassVar[str] = "torchattacks"
    recipes: ClassVar[Mapping[str, Recipe]] = RECIPES
    refused: ClassVar[Mapping[str, str]] = REFUSED
    hidden: ClassVar[tuple[str, ...]] = HIDDEN

    @classmethod
    def foreign_class(cls, name: str) -> type:
        """Import the class of torchattacks for a recipe."""
        import torchattacks

        found: type = getattr(torchattacks, RECIPES[name].attack or name)
        return found

    def run(self, model: Model, clips: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Attack clips; see `ForeignAttack.run`."""
        fold, classes = self.recipe.fold, self.estimator.nb_classes
        folded = FoldedModel(model, fold, clips).eval()
        arguments = self.arguments(n_classes=classes, seed=seed % 2**31)
        attack: Any = self.foreign_class(self.name)(folded, **arguments)
        if self.targeted:
            # torchattacks wants true labels beside the targets.
            targets, labels = labels, model(clips).argmax(dim=1)
            attack.set_mode_targeted_by_function(lambda *_: targets)
        images = attack(fold_time(clips, fold), labels)
        return unfold_time(images, fold, channels=clips.shape[1], frames=clips.shape[2])
