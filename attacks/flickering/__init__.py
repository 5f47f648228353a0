"""Flickering: one color offset a frame, for each clip or one sequence for all."""

from advvid.attacks.flickering.attack import Flickering, FlickeringResult, flickering
from advvid.attacks.flickering.universal import UniversalOffsets, universal_flickering

__all__ = [
    "Flickering",
    "FlickeringResult",
    "UniversalOffsets",
    "flickering",
    "universal_flickering",
]
