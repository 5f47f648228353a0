"""Adversarial training against a bare loop and ART's trainer: time, and peak memory.

python -m benchmarks.adversarial_training [--model motions-r3d] [--clips 160] [--repeats 5]
"""

import argparse
import copy
import resource
import subprocess
import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from art.defences.trainer import AdversarialTrainerMadryPGD
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

import advvid
from advvid.data.memory_dataset import MemoryDataset
from advvid.defenses import AdversarialStep, TrainingAttack
from advvid.inference.frozen import frozen
from advvid.training import TrainSettings, train
from benchmarks.timing import interleaved, print_ratios

EPS, STEPS = 8 / 255, 5
NAMES = ("bare loop", "advvid", "ART")


def bare(model: nn.Module, clips: Tensor, labels: Tensor, batch_size: int) -> None:
    """The passes of adversarial training and nothing else."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    order = torch.randperm(len(clips))
    for start in range(0, len(clips), batch_size):
        at = order[start : start + batch_size]
        x, y = clips[at], labels[at]
        attacked = x.clone()
        with frozen(model):
            for _ in range(STEPS):
                attacked.requires_grad_(True)
                (gradient,) = torch.autograd.grad(F.cross_entropy(model(attacked), y), attacked)
                attacked = attacked.detach() + EPS * gradient.sign()
                attacked = attacked.clamp(x - EPS, x + EPS).clamp(0, 1)
        model.train()
        F.cross_entropy(model(attacked), y).backward()
        optimizer.step()
        optimizer.zero_grad()


def ours(model: nn.Module, clips: Tensor, labels: Tensor, batch_size: int) -> None:
    """One epoch of advvid's adversarial training."""
    settings = TrainSettings(
        epochs=1,
        batch_size=batch_size,
        optimizer="sgd",
        lr=1e-4,
        schedule="constant",
        weight_decay=0.0,
    )
    data = MemoryDataset(clips, labels, tuple(map(str, range(10))))
    step = AdversarialStep(TrainingAttack(max_iter=STEPS), EPS)
    train(model, data, settings=settings, step=step, device=clips.device)


def arts(model: nn.Module, clips: Tensor, labels: Tensor, batch_size: int) -> None:
    """One epoch of ART's AdversarialTrainerMadryPGD."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    classifier = PyTorchClassifier(
        model, nn.CrossEntropyLoss(), tuple(clips.shape[1:]), 10, optimizer, clip_values=(0, 1)
    )
    trainer = AdversarialTrainerMadryPGD(
        classifier,
        nb_epochs=1,
        batch_size=batch_size,
        eps=EPS,
        eps_step=EPS,
        max_iter=STEPS,
        num_random_init=0,
    )
    trainer.fit(clips.cpu().numpy(), F.one_hot(labels.cpu(), 10).float().numpy())


RUNS = dict(zip(NAMES, (bare, ours, arts), strict=True))


def peak_of(name: str, options: argparse.Namespace) -> float:
    """Run one of them in a process of its own, and give the memory that it took, in MB."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.adversarial_training",
        "--only",
        name,
        "--model",
        options.model,
        "--frames",
        str(options.frames),
        "--size",
        str(options.size),
        "--clips",
        str(options.clips),
        "--batch-size",
        str(options.batch_size),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="motions-r3d", help="its weights do not matter")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--clips", type=int, default=160)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args()

    shape = {"frames": options.frames, "size": options.size}
    model = advvid.load_model(options.model, num_classes=10, **shape)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    clips, labels = advvid.load_dataset("motions", **shape).sample(options.clips, seed=0)
    clips, labels = clips.to(device), labels.to(device)

    def runner(run: Callable[[nn.Module, Tensor, Tensor, int], None]) -> Callable[[], None]:
        # Each time from the same weights, so that all take the same steps.
        return lambda: run(copy.deepcopy(model), clips, labels, options.batch_size)

    if options.only:
        runner(RUNS[options.only])()
        if device.type == "cuda":
            print(torch.cuda.max_memory_allocated() / 2**20)
        else:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)
        return
    times = interleaved({name: runner(run) for name, run in RUNS.items()}, options.repeats)
    print(
        f"adversarial training, {STEPS} attack steps, {options.clips} clips in batches of "
        f"{options.batch_size}, {device}, median of {options.repeats}"
    )
    print_ratios(times, "bare loop")
    print(f"ART / advvid: {times['ART'] / times['advvid']:.2f}")
    peaks = {name: peak_of(name, options) for name in NAMES}
    for name, peak in peaks.items():
        print(f"peak memory of {name:<10} {peak:7.0f} MB  {peak / peaks['bare loop']:5.2f}")


if __name__ == "__main__":
    main()
