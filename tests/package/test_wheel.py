"""The wheel: built without a network, it brings the named corpora along, and an installation finds them."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("charlm_rnn-*.whl")
    return built


def test_the_corpora_are_in_it_and_nothing_that_is_not_the_package_s(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    corpora = {f"charlm/corpora/{path.name}" for path in (ROOT / "corpora").glob("*.toml")}
    assert corpora and corpora < names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"charlm"}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "charlm").rglob("*.py")}
    assert modules <= names
    assets = {str(path.relative_to(ROOT)) for path in (ROOT / "charlm" / "report").rglob("*.[jhc][stms]*")}
    assert len(assets) > 10 and assets <= names


def test_of_all_pages_and_pictures_only_the_readme_is_in_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if Path(name).suffix in {".md", ".svg"}]
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        assert (ROOT / "README.md").read_text(encoding="utf-8").strip() in archive.read(metadata).decode()


def test_an_installation_of_it_lists_them(wheel, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--no-index", "--no-deps", "--target", str(tmp_path / "installed"), str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import charlm, charlm.cli.app\n"
        "print(charlm.__file__)\n"
        "charlm.cli.app.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "installed"), "corpus", "list", "--json"],
        cwd=tmp_path, check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    origin, *lines = done.stdout.splitlines()
    assert Path(origin).is_relative_to(tmp_path / "installed")
    listed = {json.loads(line)["name"] for line in lines}
    assert listed == {path.stem for path in (ROOT / "corpora").glob("*.toml")}
