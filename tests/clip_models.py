"""Small models and clips that several tests share."""

import torch
from torch import Tensor, nn

CLIP_SHAPE = (3, 4, 8, 8)
CLASSES = 5


class LinearClipModel(nn.Module):
    """Logits = W x + b: its loss under an L-infinity bound has a closed-form maximum."""

    def __init__(
        self, shape: tuple[int, ...] = CLIP_SHAPE, classes: int = 2, seed: int = 0
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        size = int(torch.tensor(shape).prod())
        self.weight = nn.Parameter(torch.randn(classes, size, generator=generator) / size**0.5)
        self.num_classes = classes
        self.input_shape = shape

    def forward(self, clips: Tensor) -> Tensor:
        return clips.flatten(1) @ self.weight.T


def small_model(seed: int = 0, classes: int = CLASSES) -> nn.Module:
    """A 3D conv net with batch norm and dropout, so that modes matter; in training mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv3d(3, 8, 3, padding=1),
            nn.BatchNorm3d(8),
            nn.ReLU(),
            nn.Conv3d(8, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(8, classes),
        )


class OneByOne(nn.Module):
    """Passes clips through a network one by one, so that no batch changes what it rounds."""

    def __init__(self, inner: nn.Module, classes: int = CLASSES) -> None:
        super().__init__()
        self.inner = inner
        self.num_classes = classes

    def forward(self, clips: Tensor) -> Tensor:
        return torch.cat([self.inner(clip[None].contiguous()) for clip in clips])


def random_clips(
    count: int = 6, shape: tuple[int, ...] = CLIP_SHAPE, classes: int = CLASSES, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Clips with values over all of [0, 1], corners included, and labels."""
    generator = torch.Generator().manual_seed(seed)
    clips = torch.rand(count, *shape, generator=generator)
    clips.view(-1)[::7] = 0
    clips.view(-1)[1::7] = 1
    return clips, torch.randint(classes, (count,), generator=generator)


def bent_model(seed: int = 0, classes: int = CLASSES) -> nn.Module:
    """A small network of all pixels whose answers differ from clip to clip; in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        size = int(torch.tensor(CLIP_SHAPE).prod())
        return nn.Sequential(
            nn.Flatten(), nn.Linear(size, 32), nn.Tanh(), nn.Linear(32, classes)
        ).eval()
