"""A step-size sweep against a plain grid of torchattacks' and of ART's PGD, one process.

python -m benchmarks.sweep [--full] [--repeats 3]

The plain grid runs PGD anew for every budget, step size and number of steps. Its cost does not
depend on budget and step size, so by default every number of steps is timed at one of them and
counted as often as it occurs; --full runs all of it.
"""

import argparse
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
import torchattacks
from art.attacks.evasion import ProjectedGradientDescentPyTorch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

import advvid
from advvid.step_size import DEFAULT_BUDGETS, DEFAULT_RATIOS
from benchmarks.timing import interleaved

Attack = Callable[[float, float, int], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="run the plain grids whole, once")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--clips", type=int, default=16)
    options = parser.parse_args()

    model = advvid.load_model("motions-r3d")
    clips, labels = advvid.load_dataset("motions").sample(options.clips, seed=0)
    classifier = advvid.VideoClassifier(model)
    clips, labels = clips.to(classifier.device), labels.to(classifier.device)
    arts = PyTorchClassifier(
        model, nn.CrossEntropyLoss(), tuple(clips.shape[1:]), 10, clip_values=(0, 1)
    )
    arrays = clips.cpu().numpy(), labels.cpu().numpy()

    def by_torchattacks(eps: float, alpha: float, steps: int) -> Tensor:
        attack = torchattacks.PGD(model, eps=eps, alpha=alpha, steps=steps, random_start=False)
        result: Tensor = attack(clips, labels)
        return result

    def by_art(eps: float, alpha: float, steps: int) -> Tensor:
        attack = ProjectedGradientDescentPyTorch(
            arts, eps=eps, eps_step=alpha, max_iter=steps, batch_size=len(clips), verbose=False
        )
        return torch.from_numpy(attack.generate(*arrays)).to(clips)

    @torch.no_grad()
    def grid(attack: Attack, points: Iterable[tuple[float, float, int]]) -> list[float]:
        losses = []
        for eps, alpha, steps in points:
            with torch.enable_grad():
                adversarial = attack(eps, alpha, steps)
            losses.append(float(F.cross_entropy(model(adversarial), labels)))
        return losses

    every_step = range(1, options.steps + 1)
    points = [(e, r * e, m) for e in DEFAULT_BUDGETS for r in DEFAULT_RATIOS for m in every_step]
    one = [(8 / 255, 1.6 / 255, m) for m in every_step]
    chosen = points if options.full else one
    repeats = 1 if options.full else options.repeats
    times = interleaved(
        {
            "advvid": lambda: advvid.sweep_step_size(
                classifier, clips, labels, max_steps=options.steps
            ),
            "torchattacks": lambda: grid(by_torchattacks, chosen),
            "ART": lambda: grid(by_art, chosen),
        },
        repeats,
        warm_up=not options.full,
    )
    scale = len(points) / len(chosen)
    print(
        f"{len(points)} grid points, {len(clips)} clips, {classifier.device}, median of {repeats}"
        + ("" if options.full else f"; plain grids: {len(chosen)} points x {scale:g}")
    )
    for name, seconds in times.items():
        whole = seconds * (1 if name == "advvid" else scale)
        print(f"{name:<12}  {whole:9.1f} s  {whole / times['advvid']:6.1f} times advvid")


if __name__ == "__main__":
    main()
