"""Times of several things, measured side by side."""

import statistics
import time
from collections.abc import Callable

import torch


def interleaved(
    runs: dict[str, Callable[[], object]], repeats: int, *, warm_up: bool = True
) -> dict[str, float]:
    """Time each run `repeats` times in turn, and give the median of each in seconds.

    Turns spread what else the machine does over all of them; a first round that warms up is not
    counted.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(0 if warm_up else 1, repeats + 1):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if round_ > 0:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def print_ratios(times: dict[str, float], reference: str) -> None:
    """Print seconds, and how many times as long as the reference each took."""
    width = max(map(len, times))
    for name, seconds in times.items():
        print(f"{name:<{width}}  {seconds:9.3f} s  {seconds / times[reference]:6.2f}")
