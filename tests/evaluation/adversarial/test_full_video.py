import pytest
import torch
import torch.nn.functional as F

from advvid.evaluation.adversarial.full_video import change_of_frames, enlarged


@pytest.mark.parametrize("size", [(120, 160), (160, 120), (121, 97), (20, 24)])
def test_a_change_returns_to_the_rectangle_of_the_crop(size: tuple[int, int]) -> None:
    """Resized and cropped as a clip is, the enlarged change is the change."""
    short_side, crop = 37, 32
    change = torch.zeros(3, crop, crop)
    change[:, 8:24, 8:24] = 0.1  # smooth enough for any way of resizing
    large = enlarged(change, size, short_side)
    assert large.shape == (3, *size)
    assert float(large.max()) <= 0.1 + 1e-6
    scale = short_side / min(size)
    resized = [max(short_side, round(side * scale)) for side in size]
    small = F.interpolate(large[None], size=resized, mode="bilinear", antialias=True)[0]
    top, left = ((side - crop) // 2 for side in resized)
    seen = small[:, top : top + crop, left : left + crop]
    assert torch.allclose(seen[:, 11:21, 11:21], change[:, 11:21, 11:21], atol=1e-3)
    assert float((seen - change).abs().mean()) < 0.012
    # Outside of the crop nothing changes.
    for axis, (place, side, own) in enumerate(zip((top, left), resized, size, strict=True)):
        outside = max(0, round(place / side * own) - 2)
        assert float(large.narrow(1 + axis, 0, outside).abs().sum()) == 0


def test_a_frame_that_stands_in_the_clip_twice_takes_the_mean() -> None:
    change = torch.stack([torch.full((3, 2, 2), value) for value in (0.2, 0.4, 0.0)], dim=1)
    found = change_of_frames([5, 5, 7], change)
    assert list(found) == [5]
    assert torch.allclose(found[5], torch.full((3, 2, 2), 0.3))
