"""PGD against a bare loop, torchattacks and ART: same model, clips, budget and steps, one process.

python -m benchmarks.pgd [--model motions-r3d] [--repeats 9] [--steps 20] [--clips 16]
"""

import argparse

import torch
import torch.nn.functional as F
import torchattacks
from art.attacks.evasion import ProjectedGradientDescentPyTorch
from art.estimators.classification import PyTorchClassifier
from torch import nn

import advvid
from advvid.attacks import linf_pgd
from advvid.inference.frozen import frozen
from benchmarks.timing import interleaved, print_ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="motions-r3d", help="its weights do not matter")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--clips", type=int, default=16)
    options = parser.parse_args()

    shape = {"frames": options.frames, "size": options.size}
    model = advvid.load_model(options.model, num_classes=10, **shape)
    clips, labels = advvid.load_dataset("motions", **shape).sample(options.clips, seed=0)
    classifier = advvid.VideoClassifier(model)
    clips, labels = clips.to(classifier.device), labels.to(classifier.device)
    eps, alpha, steps = 8 / 255, 1.8 / 255, options.steps
    arrays = clips.cpu().numpy(), labels.cpu().numpy()
    art_settings = {
        "eps": eps,
        "eps_step": alpha,
        "max_iter": steps,
        "batch_size": len(clips),
        "verbose": False,
    }
    arts = PyTorchClassifier(
        model, nn.CrossEntropyLoss(), tuple(clips.shape[1:]), 10, clip_values=(0, 1)
    )

    def bare() -> None:
        """Forward and input-gradient passes and nothing else."""
        with frozen(model):
            for _ in range(steps):
                x = clips.clone().requires_grad_(True)
                torch.autograd.grad(F.cross_entropy(model(x), labels), x)

    times = interleaved(
        {
            "bare loop": bare,
            "advvid": lambda: linf_pgd(model, clips, labels, eps=eps, step_size=alpha, steps=steps),
            "torchattacks": lambda: torchattacks.PGD(
                model, eps=eps, alpha=alpha, steps=steps, random_start=False
            )(clips, labels),
            "ART on advvid's classifier": lambda: ProjectedGradientDescentPyTorch(
                classifier, **art_settings
            ).generate(*arrays),
            "ART": lambda: ProjectedGradientDescentPyTorch(arts, **art_settings).generate(*arrays),
        },
        options.repeats,
    )
    print(
        f"PGD, {steps} steps, {len(clips)} clips, {classifier.device}, median of {options.repeats}"
    )
    print_ratios(times, "bare loop")
    print(f"ART / advvid: {times['ART'] / times['advvid']:.2f}")


if __name__ == "__main__":
    main()
