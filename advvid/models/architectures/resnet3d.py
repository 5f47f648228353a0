"""3D residual networks with the parameter names of the published 3D-ResNets-PyTorch checkpoints."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

BlockKind = Literal["basic", "bottleneck", "resnext"]
Size3 = tuple[int, int, int]

_EXPANSION: dict[BlockKind, int] = {"basic": 1, "bottleneck": 4, "resnext": 2}
_CARDINALITY = 32


@dataclass(frozen=True)
class ResNet3DConfig:
    """What a 3D residual network is made of.

    Args:
        block: "basic" (two 3x3x3), "bottleneck" (1, 3x3x3, 1, four times as wide at its end) or
            "resnext" (the 3x3x3 in 32 groups, twice as wide at its end).
        layers: blocks in each stage.
        widths: channels of each stage before expansion.
        strides: of the first block of each stage, along T, H and W alike.
        stem_width: channels of the first convolution.
        stem_kernel: its kernel (T, H, W).
        stem_stride: its stride (T, H, W).
        max_pool: whether a 3x3x3 maximum of stride 2 follows it.
        shortcut: where the shape changes: "A" subsamples and pads with zeros, "B" is a 1x1x1
            convolution.
    """

    block: BlockKind
    layers: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    strides: tuple[int, ...] = (1, 2, 2, 2)
    stem_width: int = 64
    stem_kernel: Size3 = (7, 7, 7)
    stem_stride: Size3 = (1, 2, 2)
    max_pool: bool = True
    shortcut: Literal["A", "B"] = "B"


class ZeroPadShortcut(nn.Module):
    """Shortcut A (He et al. 2016, sec. 3.3): every `stride`-th position, new channels zero."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, channels, T / stride, H / stride, W / stride)."""
        x = x[:, :, :: self.stride, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, 0, 0, self.channels - x.shape[1]))


class ResidualBlock(nn.Module):
    """Convolutions, each with its batch norm, added to what came in (or to its shortcut)."""

    def __init__(
        self, kind: BlockKind, inputs: int, width: int, stride: int, shortcut: nn.Module | None
    ) -> None:
        super().__init__()
        outputs = width * _EXPANSION[kind]
        if kind == "basic":
            shapes = [(inputs, width, 3, stride, 1), (width, outputs, 3, 1, 1)]
        else:
            groups = _CARDINALITY if kind == "resnext" else 1
            shapes = [(inputs, width, 1, 1, 1), (width, width, 3, stride, groups)]
            shapes += [(width, outputs, 1, 1, 1)]
        for index, (from_, to, kernel, step, groups) in enumerate(shapes, start=1):
            convolution = nn.Conv3d(
                from_, to, kernel, stride=step, padding=kernel // 2, groups=groups, bias=False
            )
            self.add_module(f"conv{index}", convolution)
            self.add_module(f"bn{index}", nn.BatchNorm3d(to))
        self.depth = len(shapes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C', T / stride, H / stride, W / stride)."""
        out = x
        for index in range(1, self.depth + 1):
            out = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(out))
            if index < self.depth:
                out = self.relu(out)
        out = out + (x if self.downsample is None else self.downsample(x))
        activated: Tensor = self.relu(out)
        return activated


class ResNet3D(nn.Module):
    """3D ResNet or ResNeXt: normalized clips (B, 3, T, H, W) -> logits (B, K).

    Any T, H and W will do: features are averaged over time and space before the last layer.

    Args:
        config: what it is made of.
        num_classes: K.

    Source: Hara, Kataoka and Satoh 2018, "Can Spatiotemporal 3D CNNs Retrace the History of 2D
    CNNs and ImageNet?". Convolutions start as He et al. 2015, fan out.
    """

    def __init__(self, config: ResNet3DConfig, num_classes: int) -> None:
        super().__init__()
        self.config = config
        width, kernel = config.stem_width, config.stem_kernel
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        self.conv1 = nn.Conv3d(3, width, kernel, config.stem_stride, padding, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(3, stride=2, padding=1) if config.max_pool else nn.Identity()
        channels = width
        self.stages: list[str] = []
        for index, (blocks, width, stride) in enumerate(
            zip(config.layers, config.widths, config.strides, strict=True), start=1
        ):
            self.stages.append(f"layer{index}")
            self.add_module(self.stages[-1], self._stage(channels, blocks, width, stride))
            channels = width * _EXPANSION[config.block]
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def _stage(self, channels: int, blocks: int, width: int, stride: int) -> nn.Sequential:
        kind, outputs = self.config.block, width * _EXPANSION[self.config.block]
        shortcut: nn.Module | None = None
        if stride != 1 or channels != outputs:
            if self.config.shortcut == "A":
                shortcut = ZeroPadShortcut(outputs, stride)
            else:
                shortcut = nn.Sequential(
                    nn.Conv3d(channels, outputs, 1, stride=stride, bias=False),
                    nn.BatchNorm3d(outputs),
                )
        stage = [ResidualBlock(kind, channels, width, stride, shortcut)]
        stage += [ResidualBlock(kind, outputs, width, 1, None) for _ in range(blocks - 1)]
        return nn.Sequential(*stage)

    def forward(self, clips: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, K)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(clips))))
        for stage in self.stages:
            x = getattr(self, stage)(x)
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits
