"""How strong attacks are at equal cost: advvid's, torchattacks' and foolbox's.

python -m benchmarks.strength [--clips 40] [--seeds 3] [--out runs/strength] [--only PART]

Prints Markdown. For each norm and cost: the share of clips that each attack leaves correct, at
budgets where 20 to 80% remain, the mean over seeds; how far that is, on average, from what all
attacks together leave, which gives the rank, as AttackBench does (Cinà et al. 2025, "AttackBench:
evaluating gradient-based attacks for adversarial examples"); and the paired difference between our
best and the best peer. The folder keeps what is done, and the two robust models, which are trained
when it has none (a quarter of an hour each on one core).
"""

import argparse
from pathlib import Path

from benchmarks.strength.cells import cells, measured
from benchmarks.strength.contestants import contestants
from benchmarks.strength.subjects import subjects
from benchmarks.strength.table import report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/strength"))
    parser.add_argument("--only", default="", help="attacks whose toolkit and name hold this")
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    chosen = [one for one in contestants() if options.only in one.title]
    found = subjects(options.out, options.clips)
    todo = list(cells(chosen, found, options.seeds))
    known = measured(options.out / "cells.jsonl", todo)
    print(f"\n{options.clips} clips of each model, {options.seeds} seeds\n")
    print(report(todo, known, chosen))


if __name__ == "__main__":
    main()
