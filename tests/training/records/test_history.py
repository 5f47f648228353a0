import csv
import json

from advvid.data.video.bad_video import BadVideo
from advvid.training.records.history import EpochRecord, History


def _history() -> History:
    return History(
        [
            EpochRecord(1, 1.5, 0.25, 1.25, 0.5, 0.1, 2.0),
            EpochRecord(2, 1.0, 0.5, None, None, 0.05, 3.0),
        ]
    )


def test_csv_and_json_say_the_same() -> None:
    history = _history()
    rows = json.loads(history.to_json())
    assert rows[0] == {
        "epoch": 1,
        "train_loss": 1.5,
        "train_top1": 0.25,
        "val_loss": 1.25,
        "val_top1": 0.5,
        "lr": 0.1,
        "seconds": 2.0,
    }
    table = list(csv.DictReader(history.to_csv().splitlines()))
    assert [
        {name: float(text) if text else None for name, text in row.items()} for row in table
    ] == rows


def test_skipped_videos_are_listed_once() -> None:
    history = History()
    broken, empty = BadVideo("a.avi", "broken"), BadVideo("b.avi", "empty")
    history.skip([broken])
    history.skip([empty, broken])
    assert history.skipped == [broken, empty]
