"""What the builder of a model is given."""

from dataclasses import dataclass

from advvid.checks import check_count
from advvid.inference.normalization import PerChannel
from advvid.models.weights.files import WeightFile


@dataclass(frozen=True)
class ModelRequest:
    """One call of `load_model`, checked and parsed.

    Args:
        spec: as it was given.
        name: what follows the family's prefix, the whole spec where there is none.
        num_classes: K that is wanted, None for what the weights or the architecture have; builders
            may leave it to `load_model`, which replaces heads.
        weights: name of pretrained weights, None for a fresh initialization or a file.
        file: weights to be loaded after building, for builders that read the structure off them.
        frames: T, None for the default.
        size: H = W in pixels, None for the default.
        mean: of pixels in [0, 1], None for the model's own.
        std: likewise.
        layout: of the clips that a module of the user takes, None for "NCTHW".
    """

    spec: str
    name: str
    num_classes: int | None = None
    weights: str | None = None
    file: WeightFile | None = None
    frames: int | None = None
    size: int | None = None
    mean: PerChannel | None = None
    std: PerChannel | None = None
    layout: str | None = None

    def __post_init__(self) -> None:
        for option in ("num_classes", "frames", "size"):
            value = getattr(self, option)
            if value is not None:
                check_count(option, value)

    def input_shape(self, frames: int, size: int) -> tuple[int, int, int, int]:
        """Give (3, T, H, W), from these defaults where the request leaves it open."""
        side = self.size or size
        return (3, self.frames or frames, side, side)
