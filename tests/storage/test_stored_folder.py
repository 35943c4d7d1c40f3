"""A file or folder is there as a whole or as before, and read only if every bit of it is right."""

from __future__ import annotations

import errno
import json
import os

import pytest
from stored_states import flip

from mlj.storage import Damaged, exchange, pack_json, read_folder, unfinished, write_file, write_folder
from mlj.storage.manifest import FORMAT, MANIFEST, read_manifest

FILES = {"empty": b"", "names.txt": b"cat\ndog\n", "zeros.bin": bytes(1000)}


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "model", FILES)
    return tmp_path / "model"


def _seal(listed: dict) -> bytes:
    """Return a manifest with a right checksum, as someone would forge it."""
    import hashlib

    return pack_json({"manifest": listed, "sha256": hashlib.sha256(pack_json(listed)).hexdigest()})


def _listed(folder) -> dict:
    return json.loads((folder / MANIFEST).read_bytes())["manifest"]


def test_a_folder_comes_back_as_it_was_written(folder):
    assert read_folder(folder) == FILES
    assert sorted(os.listdir(folder.parent)) == ["model"]
    write_folder(str(folder.parent / "nothing"), {})
    assert read_folder(str(folder.parent / "nothing")) == {}


@pytest.mark.parametrize("can_swap", [True, False])
def test_writing_again_replaces_everything(folder, can_swap, monkeypatch):
    if not can_swap:
        monkeypatch.setattr(exchange, "swap", lambda one, other: False)
    write_folder(folder, {"other": b"1"})
    assert read_folder(folder) == {"other": b"1"}
    assert sorted(os.listdir(folder)) == [MANIFEST, "other"]
    assert os.listdir(folder.parent) == ["model"]


def test_the_kernel_swaps_two_names_in_one_step_here_or_says_that_it_cannot(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("file")
    if exchange.swap(tmp_path / "a", tmp_path / "b"):
        assert (tmp_path / "b").is_dir()
    else:
        assert (tmp_path / "a").is_dir()
    assert not exchange.swap(tmp_path / "a", tmp_path / "missing")


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_what_was_not_written_by_us_is_never_replaced(tmp_path, what):
    target = tmp_path / "thesis"
    (tmp_path / "elsewhere").mkdir()
    if what == "folder":
        target.mkdir()
        (target / "chapter1.txt").write_text("years of work")
    elif what == "file":
        target.write_text("years of work")
    else:
        target.symlink_to("elsewhere")
    with pytest.raises(FileExistsError, match=r"has no manifest.json, so it is not replaced: '.*thesis'"):
        write_folder(target, FILES)
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "thesis"]
    assert target.is_symlink() or (target if what == "file" else target / "chapter1.txt").read_text()


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "model").mkdir()
    write_folder(tmp_path / "model", FILES)
    assert read_folder(tmp_path / "model") == FILES


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "/x", "a/b", "a\\b", ".hidden", "x.", "NUL", MANIFEST, "Manifest.JSON"]
)
def test_a_file_name_that_would_leave_the_folder_is_neither_written_nor_read(folder, name):
    with pytest.raises(ValueError, match="the file name"):
        write_folder(folder, {name: b""})
    assert read_folder(folder) == FILES
    listed = _listed(folder)
    listed["files"][name] = listed["files"].pop("empty")
    (folder / MANIFEST).write_bytes(_seal(listed))
    with pytest.raises(Damaged, match="the file name"):
        read_folder(folder)


def test_names_that_some_systems_take_for_one_are_refused(tmp_path):
    with pytest.raises(ValueError, match="the file name 'Model' is taken by 'model'"):
        write_folder(tmp_path / "a", {"model": b"", "Model": b""})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", ["text", bytearray(b"1"), None])
def test_contents_are_bytes(tmp_path, content):
    with pytest.raises(TypeError, match="wanted bytes"):
        write_folder(tmp_path / "a", {"x": content})
    with pytest.raises(TypeError, match="wanted bytes"):
        write_file(tmp_path / "a", content)
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_and_a_file_in_its_place_are_told_apart(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Damaged, match="nowhere is missing"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(Damaged, match="file is not a folder"):
        read_folder(tmp_path / "file")


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_link_in_the_place_of_a_file_is_refused_even_if_it_leads_to_the_same_bytes(folder, name):
    (folder / name).rename(folder.parent / "same")
    (folder / name).symlink_to(folder.parent / "same")
    with pytest.raises(Damaged, match=f"{name} is a link"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["names.txt", MANIFEST])
def test_a_pipe_or_folder_in_the_place_of_a_file_is_refused_without_waiting(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(Damaged, match=f"{name} is not a file"):
        read_folder(folder)
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(Damaged, match=f"{name} is not a file"):
        read_folder(folder)


def test_a_folder_may_be_reached_through_a_link(folder):
    (folder.parent / "latest").symlink_to("model")
    assert read_folder(folder.parent / "latest") == FILES


def test_files_that_the_manifest_does_not_name_are_never_opened(folder):
    (folder / "model.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    os.mkfifo(folder / "pipe")
    assert read_folder(folder) == FILES


def test_every_single_flipped_bit_of_a_file_is_seen(folder):
    for bit in range(8 * len(FILES["names.txt"])):
        flip(folder / "names.txt", bit)
        with pytest.raises(Damaged, match=r"names.txt does not have the sha256"):
            read_folder(folder)
        flip(folder / "names.txt", bit)
    assert read_folder(folder) == FILES


def test_every_single_flipped_bit_of_a_manifest_is_seen(folder):
    content = (folder / MANIFEST).read_bytes()
    assert set(read_manifest(content)) == set(FILES)
    for bit in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError):
            read_manifest(bytes(flipped))


def _with(listed: dict, **changed) -> bytes:
    return _seal(listed | changed)


FORGED = {
    "unknown format": lambda listed: (
        _with(listed, format="mlj-folder-2"),
        "has format 'mlj-folder-2'; this version",
    ),
    "no format": lambda listed: (_seal({"files": listed["files"]}), "lacks its fields"),
    "a further field": lambda listed: (_with(listed, more=1), "fields that do not belong"),
    "a list": lambda listed: (pack_json([listed]), "lacks its fields"),
    "a number": lambda listed: (b"3\n", "lacks its fields"),
    "nested deep": lambda listed: (b"[" * 100_000, "is not JSON"),
    "nested under a file": lambda listed: (
        _with(listed, files={"x": 0}).replace(b'"x": 0', b'"x": ' + b"[" * 900 + b"]" * 900),
        "does not give a sha256 and a size of 'x'",
    ),
    "one key twice": lambda listed: (
        _seal(listed).replace(b'"format"', b'"format": "x", "format"'),
        "the key 'format' stands there twice",
    ),
    "one file twice": lambda listed: (
        _seal(listed).replace(b'"zeros.bin"', b'"names.txt"'),
        "the key 'names.txt' stands there twice",
    ),
    "white space": lambda listed: (_seal(listed) + b"\n", "is not written as it was"),
    "too long": lambda listed: (b" " * (1 << 24) + _seal(listed), "wanted at most"),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_manifest_is_refused(folder, forgery):
    content, reason = FORGED[forgery](_listed(folder))
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(Damaged, match=reason) as caught:
        read_folder(folder)
    assert caught.value.path == str(folder / MANIFEST)


@pytest.mark.parametrize("size", [0, 7, 9, 2**62, -1, 8.0, True, "8", None, [8]])
def test_a_size_that_lies_is_refused_before_anything_is_read(folder, size):
    listed = _listed(folder)
    listed["files"]["names.txt"]["size"] = size
    (folder / MANIFEST).write_bytes(_seal(listed))
    with pytest.raises(Damaged, match=r"names.txt has 8 bytes; its manifest names|a size of 'names.txt'"):
        read_folder(folder)


@pytest.mark.parametrize("sha256", ["", "0" * 64, "0" * 63, "G" * 64, 3, None])
def test_a_sha256_that_lies_is_refused(folder, sha256):
    listed = _listed(folder)
    listed["files"]["names.txt"]["sha256"] = sha256
    (folder / MANIFEST).write_bytes(_seal(listed))
    with pytest.raises(Damaged, match=r"names.txt"):
        read_folder(folder)


def test_a_forged_manifest_that_tells_the_truth_is_read_so_the_forgeries_above_fail_for_their_lie(folder):
    (folder / MANIFEST).write_bytes(_with(_listed(folder), format=FORMAT))
    assert read_folder(folder) == FILES


def test_a_file_is_replaced_whole_and_a_link_is_not_followed(tmp_path):
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / "file").symlink_to("kept")
    for content in (b"one", b"", bytes(100_000)):
        write_file(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert (tmp_path / "kept").read_bytes() == b"kept"
    assert sorted(os.listdir(tmp_path)) == ["file", "kept"]


def test_a_file_that_cannot_be_written_names_itself_and_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match=f"'{tmp_path}/folder'"):
        write_file(tmp_path / "folder", b"x")
    with pytest.raises(FileNotFoundError, match=f"'{tmp_path}/no/file'"):
        write_file(tmp_path / "no" / "file", b"x")
    assert os.listdir(tmp_path) == ["folder"]


def _failing_once(monkeypatch, call, attempt, action) -> OSError | None:
    """Run an action whose call number ``attempt`` of ``os.<call>`` finds the disk full; return its error."""
    real, calls = getattr(os, call), iter(range(10**6))

    def failing(*args, **options):
        if next(calls) == attempt:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing)
        try:
            action()
        except OSError as error:
            return error
    return None


@pytest.mark.parametrize("call", ["fsync", "rename", "replace", "open"])
@pytest.mark.parametrize("attempt", range(9))
def test_whatever_call_fails_the_old_content_stays_and_nothing_is_left_behind(
    folder, call, attempt, monkeypatch
):
    file = folder.parent / "file"
    write_file(file, b"old")
    new = {"new": b"new"}
    actions = ((folder, lambda: write_folder(folder, new)), (file, lambda: write_file(file, b"new")))
    for target, action in actions:
        failed = _failing_once(monkeypatch, call, attempt, action)
        if failed is None:
            # Or the call that failed was one of the tidying up, which the next write makes good.
            action()
        else:
            assert failed.errno == errno.ENOSPC
            assert str(target) in str(failed)
        assert sorted(os.listdir(folder.parent)) == ["file", "model"]
    assert read_folder(folder) in (FILES, new)
    assert file.read_bytes() in (b"old", b"new")


def test_left_overs_are_told_from_a_write_that_goes_on_and_from_the_files_of_others(folder):
    parent = folder.parent
    place, descriptor = unfinished.begin(folder, folder=True)
    strange = [".model.new", ".model.1.new", ".model.1.0123456789abcdef.tmp", "model.1.0123456789abcdef.new"]
    strange += [
        ".other.1.0123456789abcdef.new",
        ".model.1.0123456789ABCDEF.new",
        ".model.01.0123456789abcdef.new",
    ]
    for name in strange:
        (parent / name).mkdir()
    (parent / ".model.1.0123456789abcdef.new").mkdir()
    (parent / ".model.1.0123456789abcdef.new" / "half").write_text("")
    (parent / ".model.2.0123456789abcdef.old").mkdir()
    (parent / f".model.{os.getpid()}.0123456789abcdef.new").mkdir()
    (parent / ".model.3.0123456789abcdef.new").symlink_to(parent)
    write_folder(folder, {"new": b""})
    assert sorted(os.listdir(parent)) == sorted(
        [*strange, "model", place.name, ".model.3.0123456789abcdef.new"]
    )
    os.close(descriptor)
    write_folder(folder, {"new": b""})
    assert place.name not in os.listdir(parent)


def test_a_folder_that_was_set_aside_comes_back_if_its_successor_never_arrived(folder):
    folder.rename(folder.parent / ".model.1.0123456789abcdef.old")
    (folder.parent / ".model.1.fedcba9876543210.new").mkdir()
    assert read_folder(folder) == FILES
    assert os.listdir(folder.parent) == ["model"]


def test_without_locks_the_process_number_tells_who_still_writes(folder, monkeypatch):
    monkeypatch.setattr(unfinished, "hold", lambda descriptor: "unknown")
    gone, here = (folder.parent / f".model.{pid}.0123456789abcdef.new" for pid in (2**22 + 1, os.getpid()))
    gone.mkdir()
    here.mkdir()
    write_folder(folder, {"new": b""})
    assert sorted(os.listdir(folder.parent)) == [here.name, "model"]
