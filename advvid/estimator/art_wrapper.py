"""The module that ART holds in a classifier."""

from torch import Tensor, nn

from advvid.estimator.adapted_model import AdaptedModel


class ArtWrapper(nn.Module):
    """Gives the list of outputs, here one, that ART expects of the module it holds.

    ART reads `_model` back as the model of the classifier, and some of its attacks call that
    themselves; so it takes and gives what the classifier does, and is the caller's own module where
    that makes no difference.
    """

    def __init__(self, adapted: AdaptedModel) -> None:
        super().__init__()
        self.adapted = adapted

    @property
    def _model(self) -> nn.Module:
        return self.adapted.inner if self.adapted.changes_nothing else self.adapted

    def forward(self, x: Tensor) -> list[Tensor]:
        """Give [logits (B, K)] of clips in the layout of the classifier."""
        return [self.adapted(x)]

    @property
    def get_layers(self) -> list[str]:
        """Names of the children of the model, as ART's wrapper gives them."""
        return [name for name, _ in self._model.named_children()]
