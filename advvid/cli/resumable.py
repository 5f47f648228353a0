"""Where a run is written, and how a command that can be resumed is stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from advvid.cli.options import Out, Resume, Seed
from advvid.errors import InputError
from advvid.runs.processes import is_helper
from advvid.runs.run_folder import CONFIG, check_free, check_resumable
from advvid.runs.terminal import say


@dataclass(frozen=True)
class RunOptions:
    """What a run is repeated by, where it is written, and whether it continues another."""

    resume: Resume = False
    seed: Seed = 0
    out: Out = None

    def check_folder(self, needs: str = CONFIG) -> None:
        """Refuse a folder that is taken, or has nothing to resume, before anything is loaded.

        Args:
            needs: the file without which a run cannot be resumed; one that did not get so far is
                started anew.

        Raises:
            InputError: naming the folder.
        """
        # Helpers come when the first process may have begun to write.
        if self.out is None or is_helper():
            return
        if self.resume:
            check_resumable(self.out, needs)
        elif needs != CONFIG and (self.out / needs).is_file():
            raise InputError(
                f"{self.out} already holds a run ({needs}): resume it (`resume=True`), or choose "
                "another folder (`out=DIR`)"
            )
        elif needs == CONFIG or not (self.out / CONFIG).is_file():
            check_free(self.out)


@contextmanager
def resumable(folder: Path, needs: str = "config.json") -> Iterator[None]:
    """Say at Ctrl-C how to resume, and exit with code 130.

    Args:
        folder: of the run.
        needs: file of it without which there is nothing to resume.
    """
    try:
        yield
    except KeyboardInterrupt:
        there = (folder / needs).exists()
        hint = f"; to resume: the same command, --out {folder} --resume" if there else ""
        if not is_helper():
            say(f"advvid: stopped{hint}", stderr=True)
        raise SystemExit(130) from None
