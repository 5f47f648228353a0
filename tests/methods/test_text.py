from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advvid.errors import InputError
from advvid.methods import Setting, read_settings, settings_of, spell, split_text
from advvid.methods.imported import import_class, import_member, is_stranger


@dataclass(frozen=True)
class Method:
    eps: Annotated[float, Setting("budget", above=0)] = 0.1
    steps: Annotated[int, Setting("steps", at_least=1)] = 5
    early: Annotated[bool, Setting("stop early")] = False
    size: Annotated[tuple[int, int] | None, Setting("rows and columns")] = None
    budgets: Annotated[tuple[float, ...], Setting("budgets")] = ()
    attack: Annotated[tuple[str, ...], Setting("attacks")] = ("pgd",)
    hidden: Annotated[Any, Setting("no text can hold it")] = None


def read(text: str) -> dict[str, Any]:
    parts = split_text(text)
    return read_settings(parts.name, parts.given, settings_of(Method))


def test_every_kind_of_setting_is_read() -> None:
    assert read("m:eps=8/255,steps=3,early=yes,size=4x5,budgets=0/4/8") == {
        "eps": 8 / 255,
        "steps": 3,
        "early": True,
        "size": (4, 5),
        "budgets": (0.0, 4.0, 8.0),
    }
    assert read("m") == {}


def test_brackets_keep_commas_and_slashes_together() -> None:
    assert read("m:attack=[pgd:max_iter=3,loss=cw],eps=4")["attack"] == ("pgd:max_iter=3,loss=cw",)
    assert read("m:attack=pgd/[art/PGD:eps=1]")["attack"] == ("pgd", "art/PGD:eps=1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m:epz=1", "m has no setting 'epz'; did you mean eps"),
        ("m:hidden=1", "m has no setting 'hidden'"),
        ("m:eps", "m: eps needs a value"),
        ("m:eps=1,eps=2", "eps is given twice"),
        ("m:eps=x", "m: eps cannot be 'x'"),
        ("m:eps=1/0", "m: eps cannot be '1/0'"),
        ("m:eps=nan", "m: eps cannot be 'nan'"),
        ("m:steps=0", "m: steps must be a whole number of at least 1; got 0"),
        ("m:attack=[pgd", "brackets do not match"),
        ("m:attack=pgd]", "brackets do not match"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(text)


@given(
    eps=st.floats(1e-6, 1e6),
    steps=st.integers(1, 10**6),
    early=st.booleans(),
    size=st.tuples(st.integers(1, 99), st.integers(1, 99)),
)
def test_what_is_spelled_is_read_again(
    eps: float, steps: int, early: bool, size: tuple[int, int]
) -> None:
    given_ = {"eps": eps, "steps": steps, "early": early, "size": size, "budgets": (eps, 2 * eps)}
    settings = settings_of(Method)
    pairs = (f"{name}={spell(value, settings[name])}" for name, value in given_.items())
    assert read("m:" + ",".join(pairs)) == given_


def test_numbers_are_spelled_as_short_as_they_can_be() -> None:
    numbers = (8 / 255, 0.2, 1e-9, 1 / 7, 2.0)
    spelled = ["8/255", "0.2", "1e-09", "0.14285714285714285", "2"]
    assert [spell(number) for number in numbers] == spelled
    assert spell((4 / 255, 8 / 255), settings_of(Method)["budgets"]) == "[4/255]/[8/255]"


def test_a_stranger_is_imported_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stranger_methods.py").write_text("class Mine(dict): ...\nbroken = 1\n")
    monkeypatch.chdir(tmp_path)
    parts = split_text("stranger_methods:Mine:eps=0.1,steps=2")
    assert (parts.name, parts.given) == ("stranger_methods:Mine", {"eps": "0.1", "steps": "2"})
    assert issubclass(import_class(parts.name, dict), dict)
    with pytest.raises(InputError, match=r"must be a subclass of builtins\.list"):
        import_class(parts.name, list)
    with pytest.raises(InputError, match="has no class or function 'broken'"):
        import_member("stranger_methods:broken")
    with pytest.raises(InputError, match="cannot import 'no_such_module'"):
        import_member("no_such_module:Mine")
    assert is_stranger("package.module:function")
    assert not is_stranger("pgd:eps")
