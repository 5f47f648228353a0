"""Attacks against ART's and torchattacks' own: same model, clips and settings, one process.

python -m benchmarks.attacks [--model motions-r3d] [--only pgd] [--repeats 5] [--steps 20]

Prints Markdown: seconds, how many times as long the others take, and the accuracy that each leaves,
so that speed which is bought with weakness shows.
"""

import argparse

import torch

import advvid
from benchmarks.attack_bench import Bench, Row
from benchmarks.attack_rows import attack_rows
from benchmarks.timing import interleaved

OTHERS = ("ART", "torchattacks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="motions-r3d")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    model = advvid.load_model(options.model)
    clips, labels = advvid.load_dataset("motions").sample(options.clips, seed=0)
    device = advvid.VideoClassifier(model).device
    bench = Bench(
        model.eval(), clips.to(device), labels.to(device), 10, options.steps, options.queries
    )
    print(
        f"{options.model}, {len(clips)} clips, {device}, {torch.get_num_threads()} threads, "
        f"median of {options.repeats} runs in turn; in brackets the accuracy left\n"
    )
    ratios = " | ".join(f"{name} / advvid" for name in OTHERS)
    print(f"| attack | bare passes | advvid | {' | '.join(OTHERS)} | {ratios} |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for row in attack_rows(bench):
        if options.only in row.name:
            print(_measure(bench, row, options.repeats), flush=True)


def _measure(bench: Bench, row: Row, repeats: int) -> str:
    """Time a row and spell it as Markdown."""
    # Goes through every run once, which warms up too.
    left = {name: bench.accuracy(run) for name, run in row.runs.items()}
    floor = {"bare": bench.floor(row)} if row.gradients else {}
    for passes in floor.values():
        passes()
    times = interleaved({**floor, **row.runs}, repeats, warm_up=False)
    cells = [row.name, f"{times['bare']:.2f} s" if floor else ""]
    for name in ("advvid", *OTHERS):
        cells.append(f"{times[name]:.2f} s ({left[name]:.2f})" if name in times else "")
    for name in OTHERS:
        cells.append(f"{times[name] / times['advvid']:.2f}" if name in times else "")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
