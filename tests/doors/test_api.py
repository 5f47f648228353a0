"""Bad calls of every public function: one line of ours that names the argument, nothing else."""

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from advvid.errors import InputError
from tests.doors.attack_doors import ATTACK_DOORS
from tests.doors.doors import BadCall
from tests.doors.other_doors import OTHER_DOORS

DOORS = [*ATTACK_DOORS, *OTHER_DOORS]
CALLS = [call for door in DOORS for call in door.bad_calls()]
MOST_LETTERS = 500
MOST_SECONDS = 5


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


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_bad_argument_is_refused_by_name(call: BadCall) -> None:
    with warnings.catch_warnings(), at_once(), pytest.raises(InputError) as caught:
        warnings.simplefilter("error")
        call()
    message = str(caught.value)
    plain = message.replace("_", " ")
    assert any(word.replace("_", " ") in plain for word in call.words)
    assert "\n" not in message
    assert len(message) <= MOST_LETTERS
