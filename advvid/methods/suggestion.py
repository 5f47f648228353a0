"""What was probably meant by a name that is not there."""

import difflib
from collections.abc import Iterable, Sequence

_SHOWN = 60


def near_names(name: str, names: Iterable[str], *, most: int = 3) -> list[str]:
    """Give the nearest names, the nearest first; capitals do not matter."""
    lower: dict[str, str] = {}
    for one in names:
        lower.setdefault(one.lower(), one)
    found = difflib.get_close_matches(name[:_SHOWN].lower(), lower, n=most, cutoff=0.5)
    return [lower[one] for one in found]


def did_you_mean(name: str, names: Iterable[str], *, most: int = 3) -> str:
    """Ask "did you mean a or b?", or give "" where nothing is near."""
    return ask(near_names(name, names, most=most))


def ask(names: Sequence[str]) -> str:
    """Spell the question for names that are known to be near."""
    return f"did you mean {' or '.join(names)}?" if names else ""
