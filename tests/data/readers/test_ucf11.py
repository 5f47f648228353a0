import shutil
from pathlib import Path

import numpy as np
import pytest

from advvid.data.registry import load_dataset
from advvid.errors import InputError


def lay_out(root: Path) -> Path:
    for name in ("biking", "walking"):
        for group in range(1, 5):
            for clip in range(1, 3):
                path = (
                    root / name / f"v_{name}_{group:02d}" / f"v_{name}_{group:02d}_{clip:02d}.avi"
                )
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        (root / name / "Annotation").mkdir()
        (root / name / "Annotation" / f"v_{name}_01_01.xgtf").touch()
    return root


@pytest.mark.parametrize("inside", ["", "action_youtube_naudio"])
def test_a_fold_holds_out_one_group_of_every_class(tmp_path: Path, inside: str) -> None:
    lay_out(tmp_path / inside)
    spec = f"ucf11:{tmp_path}"
    for fold in (None, 1, 2, 3, 4):
        train = load_dataset(spec, split="train", fold=fold)
        test = load_dataset(spec, split="test", fold=fold)
        held_out = f"_{fold or 3:02d}"
        groups = {
            part: {dataset.identity(i).split("/")[1] for i in range(len(dataset))}
            for part, dataset in (("train", train), ("test", test))
        }
        assert groups["test"] == {f"v_biking{held_out}", f"v_walking{held_out}"}
        assert not groups["test"] & groups["train"]
        assert (len(train), len(test)) == (12, 4)
        assert test.labels.tolist() == [0, 0, 1, 1]
        assert test.classes == train.classes == ("biking", "walking")
    assert len(load_dataset(spec, split="all")) == 16


def test_all_needs_no_fold_and_takes_none(tmp_path: Path) -> None:
    lay_out(tmp_path)
    for name in ("biking", "walking"):
        shutil.rmtree(tmp_path / name / f"v_{name}_03")
    assert len(load_dataset(f"ucf11:{tmp_path}", split="all")) == 12
    with pytest.raises(InputError, match="fold 3 is not a group"):
        load_dataset(f"ucf11:{tmp_path}")
    with pytest.raises(InputError, match="split all takes every fold: leave out fold 1"):
        load_dataset(f"ucf11:{tmp_path}", split="all", fold=1)


def test_a_fold_that_drops_a_class_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path)
    extra = tmp_path / "biking" / "v_biking_05" / "v_biking_05_01.avi"
    extra.parent.mkdir()
    extra.touch()
    for split in ("train", "test"):
        with pytest.raises(
            InputError, match="fold 5 leaves class walking without clips to test on: choose one of"
        ):
            load_dataset(f"ucf11:{tmp_path}", split=split, fold=5)
    alone = tmp_path / "golf" / "v_golf_03" / "v_golf_03_01.avi"
    alone.parent.mkdir(parents=True)
    alone.touch()
    with pytest.raises(InputError, match="fold 3 leaves class golf without clips to train on: add"):
        load_dataset(f"ucf11:{tmp_path}")


def test_errors_say_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no videos laid out as class/v_name_01"):
        load_dataset(f"ucf11:{tmp_path}")
    with pytest.raises(InputError, match=r"fold 9 is not a group .* groups 1, 2, 3, 4"):
        load_dataset(f"ucf11:{lay_out(tmp_path)}", fold=9)


def test_the_real_clips(ucf11: Path) -> None:
    parts = {split: load_dataset(f"ucf11:{ucf11}", split=split) for split in ("train", "test")}
    assert len(parts["train"]) + len(parts["test"]) == len(list(ucf11.glob("*/*/*.avi")))
    assert len(parts["test"].classes) == 9
    assert (np.bincount(parts["test"].labels, minlength=9) > 0).all()


def test_clips_of_a_group_are_cut_from_one_recording(ucf11: Path) -> None:
    test = load_dataset(f"ucf11:{ucf11}")
    origins = [test.origin(i) for i in range(len(test))]
    assert len({one.unit for one in origins}) == 9
    assert len({one.video for one in origins}) == len(test) == 53
    assert origins[0].unit == "basketball/v_shooting_03"
