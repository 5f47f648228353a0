import pytest

from tests.cli.run_command import CommandRunner


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ((), ["sweep-step-size", "train", "models", "datasets", "attacks", "--debug"]),
        (("sweep-step-size",), ["--model", "--data", "--eps", "1/255", "--alphas", "--law"]),
        (("train",), ["--epochs", "--resume", "--out"]),
    ],
)
def test_help_fits_into_80_columns(
    advvid: CommandRunner, command: tuple[str, ...], words: list[str]
) -> None:
    done = advvid(*command, "--help")
    assert done.code == 0
    assert all(word in done.out for word in words)
    assert max(len(line) for line in done.out.splitlines()) <= 80


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("models", ["motions-r3d", "resnext3d-101", "torchvision/", "tsm/"]),
        ("datasets", ["motions", "folder:DIR", "ucf11:DIR", "ucf101:DIR"]),
        ("defenses", ["aat", "passes a clip"]),
        ("attacks masked-pgd", ["masked-pgd:", "ratio", "0.15", "share of the frame"]),
        ("attacks torchattacks/PGDL2", ["torchattacks/PGDL2", "eps"]),
        ("defenses aat", ["adaptive", "update_every", "10", "epochs between updates"]),
        ("attacks", ["masked-pgd", "white box", "torchattacks/APGD", "art/SimBA", "black box"]),
        ("conditions", ["sampling"]),
        ("augmentations", ["crop", "flip"]),
        ("augmentations flip", ["probability"]),
    ],
)
def test_lists(advvid: CommandRunner, command: str, words: list[str]) -> None:
    done = advvid(*command.split())
    assert done.code == 0
    assert all(word in done.out for word in words)
    assert max(len(line) for line in done.out.splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["swep"], "No such command"),
        (["attacks", "pdg"], "did you mean pgd"),
        (["defenses", "att"], "did you mean at"),
        (["sweep-step-size", "--bogus"], "No such option"),
        (["sweep-step-size", "--clips", "ten"], "--clips"),
    ],
)
def test_invalid_arguments_are_one_line_and_exit_code_2(
    advvid: CommandRunner, arguments: list[str], words: str
) -> None:
    done = advvid(*arguments)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert done.out == ""
