"""Bad calls of every public function: one line of ours that names the argument, nothing else."""

import inspect
import random
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import pytest

from advvid.errors import InputError
from tests.doors.attack_doors import ATTACK_DOORS
from tests.doors.doors import BadCall, Door
from tests.doors.other_doors import OTHER_DOORS

DOORS = [*ATTACK_DOORS, *OTHER_DOORS]
CALLS = [call for door in DOORS for call in door.bad_calls()]
ARGUMENTS = {
    name: list(calls)
    for name, calls in groupby(CALLS, lambda call: f"{call.door.name}({call.argument})")
}
MOST_LETTERS = 500
MOST_SECONDS = 60


@contextmanager
def at_once() -> Iterator[None]:
    """Stop what begins to work with a bad argument, which may have no end."""

    def stop(*_: Any) -> None:
        raise TimeoutError("a bad argument is worked with")

    kept = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, kept)


def fault_of(call: BadCall) -> str:
    """What is wrong with how a call ends; "" where one line of ours names the argument."""
    try:
        with warnings.catch_warnings(), at_once():
            # What is only warned of is used.
            warnings.simplefilter("error")
            call()
    except InputError as error:
        message = str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    else:
        return "is used"
    plain = message.replace("_", " ")
    if not any(word.replace("_", " ") in plain for word in call.words):
        return f"is not named: {message}"
    return message if "\n" in message or len(message) > MOST_LETTERS else ""


@pytest.mark.parametrize("calls", ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_bad_argument_is_refused_by_name(calls: list[BadCall]) -> None:
    faults = {call.name: fault_of(call) for call in calls}
    assert not any(faults.values()), "\n".join(f"{n}: {f}" for n, f in faults.items() if f)


def test_two_bad_arguments_are_refused_too() -> None:
    draw = random.Random(0)
    faults = []
    for first in draw.sample(CALLS, 300):
        second = draw.choice([call for call in CALLS if call.door is first.door])
        both = first.with_argument(second)
        if fault := fault_of(both):
            faults.append(f"{both.name}: {fault}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_the_good_arguments_are_there(door: Door) -> None:
    """A bad call has one bad argument; the others are those of a call that works."""
    known = inspect.signature(door.call).parameters
    takes_more = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values())
    assert takes_more or {*door.good(), *door.kinds} <= known.keys()


def test_there_are_enough_calls() -> None:
    assert len(CALLS) >= 300
