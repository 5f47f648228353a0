import subprocess
import sys
from pathlib import Path

from advvid.runs.claim import claimed

HOLD = """
import sys, time
from pathlib import Path
from advvid.runs.claim import claimed
with claimed(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


def test_one_at_a_time_and_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "row" / "claim"
    with claimed(path) as mine:
        assert mine
    root = Path(__file__).resolve().parents[2]
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "True\n"
    with claimed(path) as mine:
        assert not mine
    other.kill()
    other.wait()
    with claimed(path) as mine:
        assert mine
