"""What a comparison says: clips that remain, differences with intervals, ranks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.strength.cells import Cell
from benchmarks.strength.contestants import FAMILIES, Contestant, Family

Flags = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A model and a budget, with what each attack leaves there.

    Args:
        model: its name.
        eps: the budget.
        left: attack -> how often each clip remains correct (N,), the mean over seeds.
    """

    model: str
    eps: float
    left: dict[str, Flags]

    def remain(self, title: str) -> float:
        """Give the share of clips that an attack leaves correct."""
        return float(self.left[title].mean())


def places(family: Family, cells: Iterable[Cell], known: dict[str, dict[str, Any]]) -> list[Place]:
    """Collect what the attacks of a family left."""
    rows: dict[tuple[str, float], dict[str, list[list[bool]]]] = {}
    for cell in cells:
        if cell.contestant.family == family and cell.key in known:
            at = rows.setdefault((cell.subject.name, cell.eps), {})
            at.setdefault(cell.contestant.title, []).append(known[cell.key]["correct"])
    return [
        Place(model, eps, {title: np.mean(flags, axis=0) for title, flags in at.items()})
        for (model, eps), at in rows.items()
    ]


def envelopes(cells: Iterable[Cell], known: dict[str, dict[str, Any]]) -> dict[Any, float]:
    """Give the share of clips that withstand all attacks of all seeds and toolkits.

    Returns:
        (budgets of a family, model, budget) -> share.
    """
    worst: dict[Any, npt.NDArray[np.bool_]] = {}
    for cell in cells:
        if cell.key in known:
            at = (cell.contestant.family.budgets, cell.subject.name, cell.eps)
            flags = np.array(known[cell.key]["correct"])
            worst[at] = worst.get(at, flags) & flags
    return {at: float(flags.mean()) for at, flags in worst.items()}


def report(
    cells: Sequence[Cell], known: dict[str, dict[str, Any]], contestants: Sequence[Contestant]
) -> str:
    """Spell the comparison as Markdown."""
    best = envelopes(cells, known)
    parts = []
    for family in FAMILIES:
        found = places(family, cells, known)
        if found:
            titles = [one.title for one in contestants if one.family == family]
            titles = [title for title in titles if all(title in at.left for at in found)]
            parts.append(_family(family, found, titles, best))
    return "\n\n".join(parts)


def _family(
    family: Family, found: Sequence[Place], titles: Sequence[str], best: dict[Any, float]
) -> str:
    def distance(title: str) -> float:
        gaps = [at.remain(title) - best[family.budgets, at.model, at.eps] for at in found]
        return float(np.mean(gaps))

    ranked = sorted(titles, key=distance)
    scale, unit = (255, "/255") if family.norm == "Linf" else (1, "")
    heads = [f"{at.model}, {at.eps * scale:.3g}{unit}" for at in found]
    lines = [
        f"**{family.name} a clip**",
        "",
        f"| rank | attack | to the envelope | {' | '.join(heads)} |",
        f"|{'---|' * (len(heads) + 3)}",
    ]
    for rank, title in enumerate(ranked, start=1):
        shares = " | ".join(f"{100 * at.remain(title):.1f}" for at in found)
        lines.append(f"| {rank} | {title} | {100 * distance(title):.1f} | {shares} |")
    shares = " | ".join(f"{100 * best[family.budgets, at.model, at.eps]:.1f}" for at in found)
    lines.append(f"| | all together | 0.0 | {shares} |")
    ours = [title for title in ranked if title.startswith("advvid")]
    peers = [title for title in ranked if not title.startswith("advvid")]
    if ours and peers:
        differences = " | ".join(_difference(at, ours[0], peers[0]) for at in found)
        lines.append(f"| | {ours[0]} - {peers[0]} | | {differences} |")
    return "\n".join(lines)


def _difference(at: Place, one: str, other: str) -> str:
    """Give the difference in percent of clips, with a 95% interval over pairs."""
    from scipy import stats

    apart = 100 * (at.left[one] - at.left[other])
    if not np.ptp(apart):
        return f"{apart.mean():+.1f}"
    low, high = stats.bootstrap(
        (apart,), np.mean, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return f"{apart.mean():+.1f} [{low:+.1f}, {high:+.1f}]"
