from pathlib import Path

import pytest

from advvid.errors import InputError
from advvid.evaluation.records import Record, Records, by_position, totals


def test_a_killed_run_finds_what_it_wrote(tmp_path: Path) -> None:
    first = Records(tmp_path, "same")
    first.add(Record("pgd@1", [0, 2], {"correct": [1, 0]}, {"seconds": 1.5}))
    other = Records(tmp_path, "same", rank=1)
    other.add(Record("pgd@1", [1, 3], {"correct": [0, 1]}, {"seconds": 2.0}))
    # A kill in the middle of a line.
    with (tmp_path / "rank0.jsonl").open("a") as file:
        file.write('{"condition": "pgd@1", "posit')

    # With another number of processes too.
    again = Records(tmp_path, "same")
    assert set(by_position(again.known, "pgd@1")) == {0, 1, 2, 3}
    assert by_position(again.known, "pgd@2") == {}
    again.add(Record("pgd@1", [4], {"correct": [1]}, {"seconds": 1.0}))
    last = Records(tmp_path, "same")
    rows = by_position(last.known, "pgd@1")
    assert {place: row["correct"] for place, row in rows.items()} == {0: 1, 1: 0, 2: 0, 3: 1, 4: 1}
    assert totals(last.known, "pgd@1") == {"seconds": 4.5}
    last.close(remove=True)
    assert not tmp_path.exists()


def test_records_of_another_evaluation_are_refused(tmp_path: Path) -> None:
    Records(tmp_path, "one").close()
    with pytest.raises(InputError, match="another evaluation"):
        Records(tmp_path, "two")
    (tmp_path / "rank0.jsonl").write_text('{"fingerprint": "one"}\nrubbish\n')
    with pytest.raises(InputError, match="cannot resume from"):
        Records(tmp_path, "one")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        Records(tmp_path / "file" / "parts", "x")


def test_nothing_is_written_without_a_folder() -> None:
    records = Records(None, "")
    records.add(Record("clean", [0], {"correct": [1]}))
    assert by_position(records.new, "clean") == {0: {"correct": 1}}
    records.close(remove=True)
