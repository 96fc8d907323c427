"""The measure of the house finds what it is there to find."""

from pathlib import Path

import pytest

from tests.architecture import house


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages: the upper enters one module of the lower, one import has a reason."""
    for name, text in {
        "core/a.py": "",
        "identity/b.py": "from core import a\n",
        "portal/c.py": "from identity import b\n\n\ndef use() -> None:\n    from core import a  # models\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(house, "ROOT", tmp_path)
    return tmp_path


def test_a_house_in_order_passes(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (tree / "core" / "a.py").exists()
    assert house.main() == 0
    assert "modules in circles: 0, at most 0\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "core/a.py",
            "def late() -> None:\n    from identity import b  # a reason\n",
            "modules in circles: 2",
        ),
        ("core/d.py", "def late() -> None:\n    from core import a\n", "imports without a reason: 1"),
    ],
    ids=["a circle through a function", "no reason"],
)
def test_what_is_out_of_order_is_named(
    tree: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, line: str
) -> None:
    (tree / name).write_text(text)
    assert house.main() == 1
    assert f"{line}, at most 0  EXCEEDED" in capsys.readouterr().out


def test_a_full_folder_and_too_many_entrances_are_named(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(30):
        (tree / "identity" / f"m{number}.py").write_text("")
    (tree / "portal" / "c.py").write_text(
        "".join(f"from identity import m{number}\n" for number in range(30))
    )
    assert house.main() == 1
    printed = capsys.readouterr().out
    assert "largest folder: 31, at most 15  EXCEEDED" in printed
    assert "modules entered: 30, at most 29  EXCEEDED" in printed
