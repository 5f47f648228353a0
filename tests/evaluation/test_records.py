import json
from pathlib import Path
from typing import Any

import pytest

from advvid.errors import InputError
from advvid.evaluation.records import Record, Records, by_position, totals


def scores(*correct: bool) -> dict[str, list[Any]]:
    flags = list(correct)
    floats = [0.5] * len(flags)
    return {"predicted": [0] * len(flags), "correct": flags, "correct_8bit": flags, "loss": floats}


def test_a_killed_run_finds_what_it_wrote(tmp_path: Path) -> None:
    first = Records(tmp_path, "same")
    first.add(Record("pgd@1", [0, 2], scores(True, False), {"seconds": 1.5}))
    other = Records(tmp_path, "same", rank=1)
    other.add(Record("pgd@1", [1, 3], scores(False, True), {"seconds": 2.0}))
    # A kill in the middle of a line.
    with (tmp_path / "rank0.jsonl").open("a") as file:
        file.write('{"condition": "pgd@1", "posit')

    # With another number of processes too.
    again = Records(tmp_path, "same")
    assert set(by_position(again.known, "pgd@1")) == {0, 1, 2, 3}
    assert by_position(again.known, "pgd@2") == {}
    again.add(Record("pgd@1", [4], scores(True), {"seconds": 1.0}))
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


CLEAN_LINE: dict[str, Any] = {
    "condition": "clean",
    "positions": [0],
    "values": {
        "label": [0],
        "origin": [{"video": "a", "frames": [1], "path": None, "source": None}],
        "predicted": [0],
        "correct": [True],
        "correct_8bit": [True],
        "loss": [0.5],
    },
    "totals": {},
    "content": {"frames": 4},
}


def damaged() -> dict[str, str]:
    """Lines that somebody might find in a file of records."""

    def changed(**fields: Any) -> str:
        return json.dumps({**CLEAN_LINE, **fields})

    def values(**fields: Any) -> str:
        return changed(values={**CLEAN_LINE["values"], **fields})

    return {
        "a list": "[1, 2]",
        "a number": "3",
        "nothing": "null",
        "deep": "[" * 100_000 + "]" * 100_000,
        "no dictionary": changed(values=[1]),
        "further field": changed(more=1),
        "no positions": json.dumps({"condition": "clean"}),
        "positions of text": changed(positions="ab"),
        "positions of floats": changed(positions=[0.5]),
        "a condition that is a list": changed(condition=["clean"]),
        "a label of text": values(label=["0"]),
        "fewer labels": values(label=[]),
        "flags of text": values(correct=["yes"]),
        "a loss of text": values(loss=["much"]),
        "no loss": changed(values={k: v for k, v in CLEAN_LINE["values"].items() if k != "loss"}),
        "no origin": values(origin=[3]),
        "half an origin": values(origin=[{"video": "a"}]),
        "frames of text": values(origin=[{"video": "a", "frames": ["x"], "path": None}]),
        "a video of a number": values(origin=[{"video": 3, "frames": [], "path": None}]),
        "totals of text": changed(totals={"seconds": "long"}),
        "content of text": changed(content={"frames": "many"}),
        "probes of text": changed(condition="probes", positions=[], values={}, content={"eps": 1}),
        "scores of text": changed(condition="attack pgd@1", values={"correct": [1]}),
        "no text": "\udcff\udcfe",
    }


@pytest.mark.parametrize("name", damaged())
def test_damaged_records_are_one_line(name: str, tmp_path: Path) -> None:
    sound = json.dumps(CLEAN_LINE)
    file = tmp_path / "rank0.jsonl"
    head = '{"fingerprint": "same"}\n'
    file.write_text(f"{head}{sound}\n")
    assert len(Records(tmp_path, "same").known) == 1
    text = f"{head}{sound}\n{damaged()[name]}\n"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        InputError, match=r"cannot resume from .* delete it to start again"
    ) as error:
        Records(tmp_path, "same")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("head", ["[]", "3", '{"other": 1}', '"text"'])
def test_a_damaged_first_line_is_one_line(head: str, tmp_path: Path) -> None:
    (tmp_path / "rank0.jsonl").write_text(head + "\n")
    with pytest.raises(InputError, match="cannot resume from"):
        Records(tmp_path, "same")
