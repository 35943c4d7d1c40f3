"""A run's name is one folder inside its root, and nothing else."""

from __future__ import annotations

import pytest

from mlj.storage import output_folder

LEAVING = [
    *[
        "",
        ".",
        "..",
        "...",
        "../x",
        "x/..",
        "x/../../y",
        "a/b",
        "/etc",
        "/",
        "..\\x",
        "C:",
        "C:\\x",
        "\\\\host\\x",
    ],
    *[
        "~/x",
        "a\0b",
        "\0",
        "a\nb",
        "\x7f",
        "a\u202eb",
        "\ud800",
        "x.",
        "x ",
        " x",
        ".hidden",
        "-" * 181,
        "é" * 91,
    ],
    *["con", "NUL", "aux.txt", "Com1", "lpt9.tar.gz", 'a"b', "a*b", "a?b", "a|b", "<a>"],
]


@pytest.mark.parametrize("name", LEAVING, ids=ascii)
def test_a_name_that_leaves_its_root_or_is_read_two_ways_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="wanted one name inside") as caught:
        output_folder(tmp_path, name)
    assert repr(name) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["a", "yeast-zlpr", "2026-01-31 08.00", "Vögel_ß", "鳥", "--", "~", "console", "x" * 180],
    ids=ascii,
)
def test_an_ordinary_name_is_a_folder_directly_inside_its_root(name, tmp_path):
    folder = output_folder(tmp_path, name)
    folder.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert output_folder(str(tmp_path), name) == folder


@pytest.mark.parametrize("target", ["..", "/", "loop"])
def test_a_link_that_leads_out_of_its_root_is_refused(target, tmp_path):
    root = tmp_path / "runs"
    root.mkdir()
    (root / "loop").symlink_to(target)
    with pytest.raises(ValueError, match="is a link that leads elsewhere"):
        output_folder(root, "loop")


def test_a_root_that_is_itself_reached_through_a_link_is_fine(tmp_path):
    (tmp_path / "big-disk").mkdir()
    (tmp_path / "runs").symlink_to("big-disk")
    assert output_folder(tmp_path / "runs", "a") == tmp_path / "runs" / "a"


@pytest.mark.parametrize("name", [None, b"a", 3])
def test_a_name_is_a_string(name, tmp_path):
    with pytest.raises(TypeError, match="a name is a string"):
        output_folder(tmp_path, name)
