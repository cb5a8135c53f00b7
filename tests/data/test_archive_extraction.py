"""Unpacking archives: what is honest arrives whole; what is hostile, damaged or too large leaves nothing behind."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_core.data.archive_extraction import ExtractionLimits, Unpacked, extract_archives
from lift_core.data.archive_members import members
from lift_core.data.folder_lock import folder_lock
from lift_core.errors import ArchiveError, LiftError, OutputError

FILES = {"set/readme.txt": b"hello\n", "set/sequences/0001/im1.png": os.urandom(3000), "set/empty": b""}

Names = list[tuple[str, bytes]]


def write_zip(path: Path, files: Names, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as packed:
        for name, data in files:
            packed.writestr(zipfile.ZipInfo(name) if name else "empty", data, compress_type=compression)
    return path


def write_tar(path: Path, files: Names) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w", format=tarfile.PAX_FORMAT) as packed:
        for name, data in files:
            packed.addfile(tar_entry(name, len(data)), io.BytesIO(data))
    return path


def tar_entry(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname = size, kind, link
    return entry


def write(path: Path, files: Names) -> Path:
    return write_zip(path, files) if path.suffix == ".zip" else write_tar(path, files)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a file beside the target that must survive everything."""
    folder = tmp_path / "place"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    return folder


def assert_refused(archive: Path, place: Path, match: str, limits: ExtractionLimits | None = None) -> None:
    """Nothing is written: neither below the target nor anywhere else around it."""
    before = tree(archive.parent)
    with pytest.raises(ArchiveError, match=match):
        extract_archives([archive], place / "out", limits=limits)
    assert tree(archive.parent) == before
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


KINDS = ["a.zip", "a.tar", "a.tar.gz"]


@pytest.mark.parametrize("kind", KINDS)
def test_honest_archives_arrive_whole(kind: str, tmp_path: Path, place: Path) -> None:
    archive = write(tmp_path / kind, list(FILES.items()))
    pieces: list[int] = []
    done = extract_archives([archive], place / "deep" / "out", progress=pieces.append)
    assert tree(place / "deep" / "out") == FILES
    assert done == Unpacked(3, 3006)
    assert sum(pieces) == 3006
    assert sorted(path.name for path in (place / "deep").iterdir()) == ["out"]


def test_several_archives_become_one_folder(tmp_path: Path, place: Path) -> None:
    first, second = write_zip(tmp_path / "a.zip", [("test/a", b"1")]), write_tar(tmp_path / "b.tar", [("b", b"2")])
    (place / "out").mkdir()
    extract_archives([first, second], place / "out")
    assert tree(place / "out") == {"test/a": b"1", "b": b"2"}
    again = write_zip(tmp_path / "c.zip", [("test/a", b"other")])
    with pytest.raises(ArchiveError, match="two entries claim the place 'test/a'"):
        extract_archives([first, again], place / "both")
    assert not (place / "both").exists()


def test_folders_and_a_leading_dot_are_kept(tmp_path: Path, place: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        packed.addfile(tar_entry("./", kind=tarfile.DIRTYPE))
        packed.addfile(tar_entry("./void", kind=tarfile.DIRTYPE))
        packed.addfile(tar_entry("./a/./b", 2), io.BytesIO(b"ab"))
    extract_archives([tmp_path / "a.tar"], place / "out")
    assert (place / "out" / "void").is_dir()
    assert tree(place / "out") == {"a/b": b"ab"}


HOSTILE_NAMES = [
    "../escaped",
    "a/../../escaped",
    "..",
    "/tmp/lift_escaped",
    "//server/share/x",
    "C:evil",
    "C:/evil",
    "a\\..\\..\\evil",
    "..\\evil",
    "name:stream",
    "new\nline",
    ".",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_that_may_leave_the_target_are_refused(kind: str, name: str, tmp_path: Path, place: Path) -> None:
    archive = write(tmp_path / kind, [("fine", b"fine"), (name, b"evil")])
    assert_refused(archive, place, "may lead out of the target")


def test_what_zip_hides_behind_a_zero_byte_is_seen(tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", [("aXX../evil", b"evil")])
    archive.write_bytes(archive.read_bytes().replace(b"aXX", b"a\0/"))
    assert_refused(archive, place, "may lead out of the target|damaged")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tar_are_refused(kind: bytes, tmp_path: Path, place: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        packed.addfile(tar_entry("link", kind=kind, link="../mine.txt"))
        packed.addfile(tar_entry("link", 4), io.BytesIO(b"evil"))
    assert_refused(tmp_path / "a.tar", place, "a link, a device")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_zip_are_refused(kind: int, tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        entry = zipfile.ZipInfo("link")
        entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
        packed.writestr(entry, "../mine.txt")
    assert_refused(tmp_path / "a.zip", place, "a link, a device")


def test_sparse_files_are_refused(tmp_path: Path, place: Path) -> None:
    entry = tar_entry("hole", 0, tarfile.GNUTYPE_SPARSE)
    block = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"%011o\0" % 10**9  # its true size
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 8 * 32)
    (tmp_path / "a.tar").write_bytes(bytes(block) + bytes(1024))
    assert_refused(tmp_path / "a.tar", place, "special file")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("second", ["a", "./a", "a/b", "x//a"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(kind: str, second: str, tmp_path: Path, place: Path) -> None:
    archive = write(tmp_path / kind, [("a", b"1"), ("x/a", b"1"), (second, b"2")])
    assert_refused(archive, place, "two entries claim the place")


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz"])
def test_a_bomb_is_refused_before_it_is_written(kind: str, tmp_path: Path, place: Path) -> None:
    archive = write(tmp_path / kind, [("zeros", bytes(30_000_000))])
    assert archive.stat().st_size < 100_000
    assert_refused(archive, place, "decompression bomb")


def test_texts_that_shrink_well_are_no_bomb(tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", [("list.txt", b"data/SNU-FILM/test\n" * 100_000)])
    extract_archives([archive], place / "out")
    assert (place / "out" / "list.txt").stat().st_size == 1_900_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (ExtractionLimits(entries=2), "more than 2 files.* Do not trust it"),
        (ExtractionLimits(file_bytes=2999), "a file of more than 2999 bytes.* Do not trust it"),
        (ExtractionLimits(total_bytes=3005), "more than 3005 bytes.* Raise --max-gb or --max-ratio"),
    ],
)
def test_limits_hold(kind: str, limits: ExtractionLimits, message: str, tmp_path: Path, place: Path) -> None:
    archive = write(tmp_path / kind, list(FILES.items()))
    assert_refused(archive, place, message, limits)
    exact = ExtractionLimits(entries=3, file_bytes=3000, total_bytes=3006)
    assert extract_archives([archive], place / "out", limits=exact).files == 3


def test_a_zip_that_lies_about_sizes_is_refused(tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", [("zeros", bytes(5_000_000))])
    true, lie = struct.pack("<I", 5_000_000), struct.pack("<I", 5)
    archive.write_bytes(archive.read_bytes().replace(true, lie))
    assert_refused(archive, place, "damaged")


def test_a_tar_header_cannot_ask_for_all_memory(tmp_path: Path, place: Path) -> None:
    claim = 10**12
    block = tar_entry("long", claim, tarfile.XHDTYPE).tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(block + bytes(1024)))
    assert_refused(tmp_path / "a.tar.gz", place, "a header claims to be")


def extended(content: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extended header with this content."""
    block = tar_entry("extended", len(content), kind).tobuf(tarfile.GNU_FORMAT)
    return block + content + bytes(-len(content) % 512)


def with_headers(path: Path, *headers: bytes) -> Path:
    """A tar file of one member behind these extended headers."""
    path.write_bytes(b"".join(headers) + tar_entry("a").tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    return path


def test_a_row_of_digits_in_a_header_is_not_read_for_ever(tmp_path: Path, place: Path) -> None:
    """Expressions of tarfile take a time that grows with its square (CVE-2024-6232)."""
    assert_refused(with_headers(tmp_path / "a.tar", extended(b"1" * 80_000)), place, "a header claims to be 80384")
    assert_refused(with_headers(tmp_path / "b.tar", extended(b"1" * 16_000)), place, "a row of more than 255 digits")


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_headers_that_extend_each_other_are_few(kind: bytes, tmp_path: Path, place: Path) -> None:
    header = extended(b"name" if kind == tarfile.GNUTYPE_LONGNAME else b"12 comment=\n", kind)
    assert_refused(with_headers(tmp_path / "a.tar", *[header] * 5), place, "a header follows 4 others")
    extract_archives([with_headers(tmp_path / "b.tar", *[header] * 4)], place / "out")


def test_fields_for_all_files_do_not_pile_up(tmp_path: Path, place: Path) -> None:
    fields = b"".join(b"9 %03d=xx\n" % number for number in range(101))
    assert_refused(with_headers(tmp_path / "a.tar", extended(fields, tarfile.XGLTYPE)), place, "more than 100 fields")


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_paths_as_long_as_systems_take_them_arrive(form: int, tmp_path: Path, place: Path) -> None:
    name = "/".join(["ä" * 100] * 10 + ["file"])
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as packed:
        packed.addfile(tar_entry(name, 1), io.BytesIO(b"x"))
    extract_archives([tmp_path / "a.tar"], place / "out")
    assert tree(place / "out") == {name: b"x"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["d/" * 1500 + "f", "d/" * 100 + "f", "a/" + "n" * 256, "ä" * 128])
def test_names_too_deep_or_too_long_are_refused(kind: str, name: str, tmp_path: Path, place: Path) -> None:
    archive = write(tmp_path / kind, [(name, b"x")])
    assert_refused(archive, place, "more than 100 parts, or one of more than 255 bytes")


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path: Path, place: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", [("inner", b"inner")]).read_bytes()
    archive = write_tar(tmp_path / "a.tar", [("a", b"a"), ("inner.zip", inner)])
    with zipfile.ZipFile(archive) as taken_for_one:
        assert taken_for_one.namelist() == ["inner"]
    extract_archives([archive], place / "out")
    assert tree(place / "out") == {"a": b"a", "inner.zip": inner}


def test_an_empty_zip_is_a_zip(tmp_path: Path, place: Path) -> None:
    assert extract_archives([write_zip(tmp_path / "a.zip", [])], place / "out") == Unpacked(0, 0)


@pytest.mark.parametrize("offset", [0xFFFFFFFF, 0xFFFFFF, 0x80000000])
def test_a_zip_whose_list_lies_nowhere_is_named(offset: int, tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", list(FILES.items()))
    data = bytearray(archive.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\5\6") + 16, offset)
    archive.write_bytes(data)
    assert_refused(archive, place, f"damaged.*{archive}")


def test_a_folder_of_a_zip_with_data_is_refused(tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", [("dX", b"hidden")])
    archive.write_bytes(archive.read_bytes().replace(b"dX", b"d/"))
    assert_refused(archive, place, "'d/' is a folder that has data")


@pytest.mark.parametrize("claimed", [101, 1])
def test_a_zip_with_too_long_a_list_is_refused_before_the_list_is_parsed(
    claimed: int, tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it claims of its length."""
    archive = write_zip(tmp_path / "a.zip", [(f"{number}", b"") for number in range(101)])
    data = bytearray(archive.read_bytes())
    struct.pack_into("<HH", data, data.index(b"PK\5\6") + 8, claimed, claimed)
    archive.write_bytes(data)
    limits = ExtractionLimits(entries=101)
    extract_archives([archive], tmp_path / "fine", limits=limits)
    parsed: list[str] = []

    class Seen(zipfile.ZipInfo):
        def __init__(self, name: str) -> None:
            parsed.append(name)
            super().__init__(name)

    monkeypatch.setattr(zipfile, "ZipInfo", Seen)
    assert_refused(archive, place, "it lists more than 100 files and folders", ExtractionLimits(entries=100))
    with archive.open("rb") as file, pytest.raises(ArchiveError, match="it lists more than 100"):
        next(members(archive, file, most_entries=100))
    assert parsed == []


def test_a_zip_with_few_entries_has_no_long_list(tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for number in range(20):
            entry = zipfile.ZipInfo(f"{number}")
            entry.comment = bytes(60_000)
            packed.writestr(entry, b"")
    assert_refused(tmp_path / "a.zip", place, "it lists more than 20 files", ExtractionLimits(entries=20))
    extract_archives([tmp_path / "a.zip"], place / "out")
    assert len(tree(place / "out")) == 20


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_on_a_broken_disk_is_named(
    kind: str, tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write(tmp_path / kind, [("noise", os.urandom(3_000_000))])

    class Broken(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            if 1_000_000 < self.tell() < 2_000_000:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    open_file = Path.open

    def opened(path: Path, mode: str = "r", **options: str) -> object:
        return Broken(path, mode) if path == archive else open_file(path, mode, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(ArchiveError, match=f"cannot be read: Input/output error .*{kind}"):
        extract_archives([archive], place / "out")
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


def test_encrypted_and_unknown_compression_are_refused(tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", [("a", b"a" * 100)], zipfile.ZIP_LZMA)
    assert_refused(archive, place, "compressed by a method other than deflate")
    archive = write_zip(tmp_path / "b.zip", [("a", b"a" * 100)])
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    assert_refused(archive, place, "encrypted")


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_cut_anywhere_is_refused(kind: str, tmp_path: Path, place: Path) -> None:
    archive = write(tmp_path / kind, list(FILES.items()))
    whole = archive.read_bytes()
    content = whole if kind != "a.tar" else whole.rstrip(b"\0")
    for length in range(0, len(content), 1 + len(content) // 41):
        archive.write_bytes(whole[:length])
        assert_refused(archive, place, "damaged")


def test_a_tar_cut_between_two_files_or_damaged_in_a_header_is_refused(tmp_path: Path, place: Path) -> None:
    archive = write_tar(tmp_path / "a.tar", [("a", bytes(512)), ("b", b"2")])
    whole = archive.read_bytes()
    archive.write_bytes(whole[:1024])
    assert_refused(archive, place, "ends without an end mark")
    archive.write_bytes(whole[:1024] + b"x" * 512 + whole[1536:])
    assert_refused(archive, place, "ends without an end mark")
    archive.write_bytes(whole + b"more")
    assert_refused(archive, place, "more behind its end mark")


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damage_never_raises_anything_but_named_errors(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    archive = write(folder / data.draw(st.sampled_from(KINDS)), [("a", b"hello" * 100), ("b/c", b"x")])
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(content)
    try:
        extract_archives([archive], folder / "in" / "out")
    except LiftError:
        assert list((folder / "in").iterdir()) == []
    assert {path.name for path in folder.iterdir()} <= {archive.name, "in"}
    shutil.rmtree(folder)


def test_what_is_no_archive_is_refused(tmp_path: Path, place: Path) -> None:
    (tmp_path / "a.zip").write_text("<html>sign in</html>" * 100)
    assert_refused(tmp_path / "a.zip", place, "damaged")
    with pytest.raises(ArchiveError, match="cannot be opened: No such file"):
        extract_archives([tmp_path / "absent.zip"], place / "out")


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_nothing_that_exists_is_written_over(what: str, tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", list(FILES.items()))
    target = place / "out"
    if what == "file":
        target.write_text("mine")
    elif what == "folder":
        (target / "sequences").mkdir(parents=True)
    else:
        target.symlink_to(tmp_path)
    with pytest.raises(OutputError, match="exists and is not empty"):
        extract_archives([archive], target)
    assert tree(tmp_path) == {"a.zip": archive.read_bytes(), "place/mine.txt": b"mine"} | (
        {"place/out": b"mine"} if what == "file" else {}
    )


def test_a_folder_that_cannot_be_listed_is_a_named_error(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "a.zip", list(FILES.items()))
    (place / "out").mkdir()

    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(OutputError, match="cannot unpack: Permission denied"):
        extract_archives([archive], place / "out")


def test_what_a_killed_extraction_left_is_deleted(
    tmp_path: Path, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = write_zip(tmp_path / "a.zip", list(FILES.items()))
    (place / ".out.extracting" / "files").mkdir(parents=True)
    (place / ".out.extracting" / "files" / "half").write_text("half")
    extract_archives([archive], place / "out")
    assert tree(place / "out") == FILES
    assert not (place / ".out.extracting").exists()
    assert "that was killed left is deleted" in caplog.text


def test_two_extractions_to_one_folder_do_not_mix(tmp_path: Path, place: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", list(FILES.items()))

    def meanwhile(_: int) -> None:
        with pytest.raises(OutputError, match="another process"):
            extract_archives([archive], place / "out")

    extract_archives([archive], place / "out", progress=meanwhile)
    assert tree(place / "out") == FILES


def test_nothing_is_unpacked_twice_where_another_process_was_faster(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "a.zip", list(FILES.items()))

    def taken(folder: Path) -> AbstractContextManager[None]:
        (place / "out").mkdir()
        (place / "out" / "theirs").write_text("theirs")
        return folder_lock(folder)

    monkeypatch.setattr("lift_core.data.archive_extraction.folder_lock", taken)
    with pytest.raises(OutputError, match="exists and is not empty"):
        extract_archives([archive], place / "out", progress=lambda _: pytest.fail("it unpacks"))
    assert tree(place) == {"mine.txt": b"mine", "out/theirs": b"theirs"}
    assert sorted(path.name for path in place.iterdir()) == ["mine.txt", "out"]


def test_the_lock_outlives_what_is_deleted(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what the next process unpacks, into a folder of the same name, would be deleted with it."""
    honest = write_zip(tmp_path / "a.zip", list(FILES.items()))
    hostile = write_zip(tmp_path / "b.zip", [("fine", b"fine"), ("../evil", b"evil")])
    rmtree = shutil.rmtree
    tried: list[Path] = []

    def rmtree_slowly(folder: Path, **options: bool) -> None:
        rmtree(folder, **options)
        tried.append(folder)
        with pytest.raises(OutputError, match="another process"):
            extract_archives([honest], place / "out")

    monkeypatch.setattr(shutil, "rmtree", rmtree_slowly)
    with pytest.raises(ArchiveError, match="may lead out of the target"):
        extract_archives([hostile], place / "out")
    assert tried
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("kind", KINDS)
def test_too_small_a_disk_is_told_before(
    kind: str, tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write(tmp_path / kind, list(FILES.items()))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match=r"are needed to unpack, 0\.00 GB are free"):
        extract_archives([archive], place / "out")
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


def test_a_full_disk_leaves_nothing_half_unpacked(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_zip(tmp_path / "a.zip", list(FILES.items()))
    monkeypatch.setattr(Path, "open", full_after(Path.open))
    with pytest.raises(OutputError, match="cannot unpack: No space left on device"):
        extract_archives([archive], place / "out")
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


def full_after(open_file: Callable[..., io.BufferedIOBase]) -> Callable[..., io.BufferedIOBase]:
    """``Path.open`` on a disk that takes 1000 bytes of each file."""

    class Full(io.FileIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            if len(data) > 1000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    return lambda path, mode="r", **options: Full(path, mode) if "x" in mode else open_file(path, mode, **options)
