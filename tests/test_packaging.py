import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the checkout, without network."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("advvid", "attacks", "defenses"):
        shutil.copytree(
            ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    code = (
        "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(source / "dist")],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return next((source / "dist").glob("*.whl"))


def test_every_module_on_disk_is_in_the_wheel_once(wheel: Path) -> None:
    # Through the links, attacks/ and defenses/ are advvid.attacks and advvid.defenses.
    expected = {f"advvid/{p.relative_to(ROOT / 'advvid')}" for p in (ROOT / "advvid").glob("*.py")}
    for folder in (ROOT / "advvid").iterdir():
        if folder.is_dir() and folder.name != "__pycache__":
            expected |= {
                f"advvid/{folder.name}/{p.relative_to(folder)}" for p in folder.rglob("*.py")
            }
    packed = [n for n in zipfile.ZipFile(wheel).namelist() if n.endswith(".py")]
    assert sorted(packed) == sorted(expected)


def test_bundled_weights_and_types_are_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "advvid/models/motions_r3d.safetensors" in names
    assert "advvid/py.typed" in names


def test_import_is_quick_because_it_is_lazy() -> None:
    code = "import sys, advvid, advvid.cli.app; print('torch' in sys.modules, 'art' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["False", "False"]
