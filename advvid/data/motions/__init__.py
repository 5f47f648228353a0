"""The bundled clips: ten motions of generated shapes."""

from advvid.data.motions.dataset import MotionsDataset

__all__ = ["MotionsDataset"]
