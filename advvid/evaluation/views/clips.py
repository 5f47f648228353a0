"""One row a clip: where it comes from, and under which conditions it is classified correctly."""

from typing import Any

from advvid.evaluation.result import Results
from advvid.evaluation.views.spreadsheet import spelled_csv


def clip_records(results: Results) -> list[dict[str, Any]]:
    """Give a plain dict for each clip, for `pandas.DataFrame(...)`.

    Frames are numbers in the video, with spaces between; "correct" is without any condition, and
    each condition has a column of its name and strength: whether it is classified correctly. A
    targeted attack has one more, whether it is classified as its target.
    """
    columns = {}
    for one in results.results:
        columns[f"{one.name} {one.strength}"] = one.correct
        if one.reached is not None:
            columns[f"{one.name} {one.strength} reached target"] = one.reached
    rows = []
    for place, position in enumerate(results.positions.tolist()):
        origin = results.origins[place] if results.origins else None
        rows.append(
            {
                "clip": position,
                "video": None if origin is None else origin.video,
                "path": None if origin is None else origin.path,
                "frames": None if origin is None else " ".join(map(str, origin.frames)),
                "label": int(results.labels[place]),
                "predicted": int(results.predicted[place]),
                "correct": bool(results.clean[place]),
                **({} if results.targets is None else {"target": int(results.targets[place])}),
                **{name: bool(correct[place]) for name, correct in columns.items()},
            }
        )
    return rows


def clips_csv(results: Results) -> str:
    """Give `clip_records` as lines of CSV."""
    return spelled_csv(clip_records(results))
