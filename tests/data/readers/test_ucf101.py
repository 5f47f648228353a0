from pathlib import Path

import pytest

from advvid.data.readers.video_dataset import VideoDataset
from advvid.data.registry import load_dataset
from advvid.errors import InputError

CLASSES = ("Archery", "YoYo")


def lay_out(videos: Path, lists: Path) -> None:
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "classInd.txt").write_text("1 Archery\r\n2 YoYo\r\n\r\n")
    for fold in (1, 2, 3):
        train: list[tuple[str, int]] = []
        test: list[tuple[str, int]] = []
        for number, name in enumerate(CLASSES, 1):
            (videos / name).mkdir(parents=True, exist_ok=True)
            for group in (1, 2, 3):
                video = f"{name}/v_{name}_g{group:02d}_c01.avi"
                (test if group == fold else train).append((video, number))
        (lists / f"trainlist0{fold}.txt").write_text("".join(f"{v} {n}\n" for v, n in train))
        (lists / f"testlist0{fold}.txt").write_text("".join(f"{v}\n" for v, _ in test))


@pytest.mark.parametrize(
    ("given", "videos", "lists"),
    [
        ("d", "d/UCF-101", "d/ucfTrainTestlist"),
        ("d/UCF-101", "d/UCF-101", "d/ucfTrainTestlist"),
        ("d", "d", "d/ucfTrainTestlist"),
        ("d", "d", "d"),
    ],
)
def test_official_splits_wherever_the_files_lie(
    tmp_path: Path, given: str, videos: str, lists: str
) -> None:
    lay_out(tmp_path / videos, tmp_path / lists)
    spec = f"ucf101:{tmp_path / given}"
    for fold in (None, 1, 2, 3):
        test = load_dataset(spec, fold=fold)
        assert [test.identity(i) for i in range(2)] == [
            f"{name}/v_{name}_g{fold or 1:02d}_c01.avi#0" for name in CLASSES
        ]
        assert test.classes == CLASSES
        assert test.labels.tolist() == [0, 1]
        train = load_dataset(spec, split="train", fold=fold)
        assert train.labels.tolist() == [0, 0, 1, 1]
    assert len(load_dataset(spec, split="all")) == 6
    with pytest.raises(InputError, match="split all takes every fold: leave out fold 2"):
        load_dataset(spec, split="all", fold=2)


def test_errors_are_one_line(tmp_path: Path) -> None:
    root = tmp_path / "d"
    root.mkdir()
    with pytest.raises(InputError, match=r"no ucfTrainTestlist/classInd\.txt"):
        load_dataset(f"ucf101:{root}")
    lay_out(root, root / "ucfTrainTestlist")
    with pytest.raises(InputError, match="fold 4 is none of UCF101's; it has folds 1, 2 and 3"):
        load_dataset(f"ucf101:{root}", fold=4)
    with pytest.raises(InputError, match=r"YoYo/v_YoYo_g01_c01\.avi: no such file"):
        load_dataset(f"ucf101:{root}").clip(1)
    (root / "ucfTrainTestlist" / "testlist02.txt").write_text("Juggling/v_g01.avi\n")
    with pytest.raises(InputError, match=r"Juggling/v_g01\.avi, whose class is not in classInd"):
        load_dataset(f"ucf101:{root}", fold=2)
    (root / "ucfTrainTestlist" / "testlist03.txt").unlink()
    with pytest.raises(InputError, match=r"cannot read the UCF101 split file .*testlist03\.txt"):
        load_dataset(f"ucf101:{root}", fold=3)
    for name in CLASSES:
        (root / name).rmdir()
    with pytest.raises(InputError, match="no folder of a UCF101 class, such as Archery"):
        load_dataset(f"ucf101:{root}")


def test_a_group_is_one_recording(tmp_path: Path) -> None:
    lay_out(tmp_path, tmp_path)
    data = load_dataset(f"ucf101:{tmp_path}", split="all")
    assert isinstance(data, VideoDataset)
    assert [item.source for item in data.items] == [
        item.identity.removesuffix("_c01.avi") for item in data.items
    ]
