import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from advvid.attacks.patches.windows import line, random_windows, salient_windows
from advvid.random_streams import clip_seeds

MOTIONS = st.sampled_from(["still", "linear", "per-frame"])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.tuples(st.integers(1, 6), st.integers(0, 6)),
    columns=st.tuples(st.integers(1, 6), st.integers(0, 6)),
    frames=st.integers(1, 5),
    motion=MOTIONS,
    seed=st.integers(0, 10**6),
)
def test_windows_lie_in_the_frame_and_the_first_has_the_largest_sum(
    rows: tuple[int, int], columns: tuple[int, int], frames: int, motion: str, seed: int
) -> None:
    """Against loops over all windows, in float64."""
    size, room = (rows[0], columns[0]), (rows[1], columns[1])
    shape = (2, 3, frames, sum(rows), sum(columns))
    gradient = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    drawn = random_windows(room, motion, frames, clip_seeds(seed, 2))
    windows = salient_windows(gradient, size, motion)
    moving = 1 if motion == "still" else frames
    assert drawn.shape == (2, moving, 2)
    assert windows.shape[::2] == (2, moving)
    for corners in (drawn, windows):
        assert (corners >= 0).all()
        assert (corners <= torch.tensor(room)).all()

    def covered(clip: int, corners: Tensor) -> float:
        places = corners.expand(frames, 2).tolist()
        return sum(
            float(gradient[clip, :, t, y : y + size[0], x : x + size[1]].double().abs().sum())
            for t, (y, x) in enumerate(places)
        )

    everywhere = [torch.tensor([[y, x]]) for y in range(room[0] + 1) for x in range(room[1] + 1)]
    for clip in range(2):
        first = covered(clip, windows[clip, 0])
        if motion == "per-frame":
            best = sum(
                max(
                    float(gradient[clip, :, t, y : y + size[0], x : x + size[1]].abs().sum())
                    for y in range(room[0] + 1)
                    for x in range(room[1] + 1)
                )
                for t in range(frames)
            )
        elif motion == "still":
            best = max(covered(clip, corner) for corner in everywhere)
        else:
            best = max(covered(clip, corners) for corners in windows[clip])
        assert abs(first - best) < 1e-3 * (1 + best)


def test_the_grid_reaches_the_edges_and_lines_join_two_of_its_corners() -> None:
    gradient = torch.rand(1, 3, 5, 10, 13)
    still = salient_windows(gradient, (4, 5), "still")[0, :, 0].tolist()
    grid = [[y, x] for y in (0, 3, 6) for x in (0, 4, 8)]
    assert still[1:] == grid
    lines = salient_windows(gradient, (4, 5), "linear")[0]
    assert len(lines) == 10
    for corners in lines.tolist():
        assert corners[0] in grid
        assert corners[-1] in grid
        assert corners[0] != corners[-1]
    per_frame = salient_windows(gradient, (4, 5), "per-frame")[0]
    assert per_frame[1:].tolist() == [[corner] * 5 for corner in still]
    for motion in ("still", "linear"):
        # A patch as large as the frame has one place.
        assert (salient_windows(gradient, (10, 13), motion) == 0).all()
        assert salient_windows(gradient, (10, 13), motion).shape[1] == 1


@given(
    start=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    end=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    frames=st.integers(1, 20),
)
def test_a_line_is_straight_to_half_a_pixel(
    start: tuple[int, int], end: tuple[int, int], frames: int
) -> None:
    first, last = torch.tensor([start]), torch.tensor([end])
    corners = line(first, last, frames)
    assert corners[0, 0].tolist() == list(start)
    if frames > 1:
        assert corners[0, -1].tolist() == list(end)
        share = torch.linspace(0, 1, frames, dtype=torch.float64)[:, None]
        assert (corners[0] - first - share * (last - first)).abs().max() <= 0.5 + 1e-9


def test_a_line_begins_where_the_still_patch_is_and_frames_draw_their_own() -> None:
    seeds = clip_seeds(0, 500)
    still, moving, own = (
        random_windows((7, 9), motion, 4, seeds) for motion in ("still", "linear", "per-frame")
    )
    assert torch.equal(moving[:, 0], still[:, 0])
    assert not torch.equal(moving[:, -1], still[:, 0])
    for corners in (moving[:, -1], own[:, 1], own[:, 3]):
        assert torch.bincount(corners[:, 0], minlength=8).min() > 30
        assert torch.bincount(corners[:, 1], minlength=10).min() > 20
