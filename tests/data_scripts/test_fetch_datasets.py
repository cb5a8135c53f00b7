"""fetch_datasets: every data set of the catalogue arrives where its reader finds it, on accepted terms only."""

from __future__ import annotations

import hashlib
import io
import random
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from lift_core.data.dataset_catalogue import CATALOGUE, find_dataset
from lift_core.data.dataset_fetching import READERS, FetchRequest, find_data_root
from lift_core.data.image_decoding import decode_rgb
from lift_core.data.x4k_decoding import decode_clips, encoded_videos
from lift_core.errors import ConfigError, DatasetError
from tests.data.file_server import Served, file_server
from tests.data.numbered_video import read_number, write_numbered
from tests.data_scripts.scripts import FOLDER, load_script

LIMITS = ("--max-gb", "--max-ratio")
NO_LIMITS = ("inf", "nan", "0", "-1", "-inf")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("fetch_datasets")


@pytest.fixture
def served() -> Iterator[Served]:
    with file_server(Served(vimeo_zip())) as running:
        yield running


def image() -> bytes:
    return bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1])


def zipped(names: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in names.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def vimeo_files(frames: int = 3, part: str = "tri") -> dict[str, bytes]:
    names = {f"vimeo/sequences/00001/0001/im{n}.png": image() for n in range(1, frames + 1)}
    return names | {f"vimeo/{part}_{half}list.txt": b"00001/0001\n" for half in ("train", "test")}


def vimeo_zip(frames: int = 3, part: str = "tri") -> bytes:
    return zipped(vimeo_files(frames, part))


def ucf_zip() -> bytes:
    return zipped({f"ucf101_interp_ours/7/{name}.png": image() for name in ("frame_00", "frame_01_gt", "frame_02")})


def snu_zips() -> list[bytes]:
    paths = [f"test/GOPRO_test/a/{n:06d}.png" for n in (1, 2, 3)]
    line = " ".join(f"data/SNU-FILM/{path}" for path in paths).encode()
    lists = {f"eval_modes/test-{mode}.txt": line + b"\n" for mode in ("easy", "medium", "hard", "extreme")}
    return [zipped(dict.fromkeys(paths, image())), zipped(lists)]


def written(folder: Path, *files: bytes) -> list[str]:
    arguments = []
    for number, data in enumerate(files):
        (folder / f"{number}.archive").write_bytes(data)
        arguments += ["--archive", str(folder / f"{number}.archive")]
    return arguments


@pytest.mark.parametrize(
    ("name", "archives"),
    [
        ("vimeo90k_triplet", lambda: [vimeo_zip()]),
        ("vimeo90k_septuplet", lambda: [vimeo_zip(7, "sep")]),
        ("ucf101_triplets", lambda: [ucf_zip()]),
        ("snu_film", snu_zips),
    ],
)
def test_local_archives_become_a_data_set_that_its_reader_opens(
    name: str,
    archives: Callable[[], list[bytes]],
    script: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = written(tmp_path, *archives())
    assert script.main([name, str(tmp_path / "out"), "--accept-licence", *files]) == 0
    output = capsys.readouterr().out
    assert "1 samples; data root: " in output
    root = Path(output.rpartition("data root: ")[2].strip())
    assert len(READERS[name](root)) == 1
    assert root.is_relative_to(tmp_path / "out" / name)


def test_a_data_set_is_fetched_checked_and_unpacked(
    script: ModuleType, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(served.data).hexdigest()
    arguments = ["vimeo90k_triplet", str(tmp_path), "--accept-licence", "--url", served.url]
    assert script.main([*arguments, "--sha256", digest, "--delete-archives"]) == 0
    printed = capsys.readouterr()
    assert "for non-commercial usage only" in printed.out
    assert f"SHA-256 {digest} as known" in printed.out
    assert "fetch vimeo_triplet.zip" in printed.err
    archives = tmp_path / "archives" / "vimeo90k_triplet"
    assert not (archives / "vimeo_triplet.zip").exists()
    assert (archives / "vimeo_triplet.zip.sha256").read_text().startswith(digest)
    assert script.main(arguments) == 2
    assert "exists and is not empty" in capsys.readouterr().err


def test_only_a_checksum_that_is_kept_is_called_noted(
    script: ModuleType, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(served.data).hexdigest()
    for folder, announces in (("announced", True), ("not", False)):
        served.announces_length = announces
        arguments = ["vimeo90k_triplet", str(tmp_path / folder), "--accept-licence", "--url", served.url]
        assert script.main(arguments) == 0
        noted = ", noted for the next time" if announces else ""
        assert f"SHA-256 {digest}{noted}\n" in capsys.readouterr().out
    assert script.main([*arguments[:1], str(tmp_path / "local"), *arguments[2:3], *written(tmp_path, served.data)]) == 0
    assert f"SHA-256 {digest}\n" in capsys.readouterr().out


def test_an_error_stands_on_a_line_of_its_own(
    script: ModuleType, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not behind a bar whose end nobody announced."""
    served.announces_length = False
    arguments = ["vimeo90k_triplet", str(tmp_path), "--accept-licence", "--url", served.url, "--sha256", "0" * 64]
    assert script.main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("fetch_datasets: ")


def test_archives_are_deleted_once_the_data_set_was_opened_not_before(
    script: ModuleType, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served.data = ucf_zip()
    arguments = ["vimeo90k_triplet", str(tmp_path), "--accept-licence", "--url", served.url, "--delete-archives"]
    assert script.main(arguments) == 2
    assert "has not the layout" in capsys.readouterr().err
    assert (tmp_path / "archives" / "vimeo90k_triplet" / "vimeo_triplet.zip").read_bytes() == served.data
    arguments[0] = "x4k_test"
    assert script.main(arguments) == 2
    assert "there are no videos to decode" in capsys.readouterr().err
    assert (tmp_path / "archives" / "x4k_test" / "encoded_test.tar.gz").read_bytes() == served.data


def test_an_archive_that_cannot_be_deleted_is_a_named_error(
    script: ModuleType,
    served: Served,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".zip":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    arguments = ["vimeo90k_triplet", str(tmp_path), "--accept-licence", "--url", served.url, "--delete-archives"]
    assert script.main(arguments) == 2
    printed = capsys.readouterr()
    assert "1 samples; data root: " in printed.out
    assert "cannot delete the archive: Permission denied" in printed.err


def test_a_fetch_that_was_killed_goes_on(script: ModuleType, served: Served, tmp_path: Path) -> None:
    arguments = ["vimeo90k_triplet", str(tmp_path), "--accept-licence", "--url", served.url]
    part = tmp_path / "archives" / "vimeo90k_triplet" / "vimeo_triplet.zip.part"
    served.data = zipped({"vimeo/noise": random.Random(0).randbytes(600_000)} | vimeo_files())
    served.stall_after = 300_000
    command = [sys.executable, str(FOLDER / "fetch_datasets.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        process.kill()
    came = part.stat().st_size
    served.stall_after = None
    assert script.main(arguments) == 0
    assert 0 < came <= 300_000
    assert served.asked == [None, f"bytes={came}-"]
    assert len(READERS["vimeo90k_triplet"](tmp_path / "vimeo90k_triplet" / "vimeo")) == 1


def test_stopping_it_is_no_crash(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lift_core.data.dataset_fetching.fetch_archives", stop)
    assert script.main(["vimeo90k_triplet", str(tmp_path), "--accept-licence"]) == 130
    assert "what was fetched is kept" in capsys.readouterr().err


def test_nothing_is_fetched_before_the_terms_are_accepted(
    script: ModuleType,
    served: Served,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = ["vimeo90k_triplet", str(tmp_path / "out"), "--url", served.url]
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert script.main(arguments) == 2
    assert "the terms were not accepted" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, code in (("no", 2), ("", 2), ("Yes ", 0)):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert served.asked == []
        assert script.main(arguments) == code


def test_the_end_of_the_input_is_no_consent(
    script: ModuleType,
    served: Served,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert script.main(["vimeo90k_triplet", str(tmp_path / "out"), "--url", served.url]) == 2
    assert capsys.readouterr().err == (
        "fetch_datasets: the terms were not accepted Read them above, and give --accept-licence.\n"
    )
    assert served.asked == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--url", "http://127.0.0.1/a", "--url", "http://127.0.0.1/b"], "2 URLs for 1 files"),
        (["--sha256", "abc"], "is no SHA-256"),
        (["--archive", "absent.zip"], "cannot read the archive: No such file"),
        (["--url", "absent.zip"], "by http and https only"),
        (["--url", "http://[/absent.zip"], "no usable address"),
        *(([f"{option}={value}"], f"this is no limit [{option} {value}") for option in LIMITS for value in NO_LIMITS),
    ],
)
def test_errors_are_one_line(
    options: list[str], message: str, script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["vimeo90k_triplet", str(tmp_path), "--accept-licence", *options]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("fetch_datasets: ")
    assert message in errors[0]


def test_a_data_set_without_an_address_says_where_a_person_finds_it(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["ucf101_triplets", str(tmp_path), "--accept-licence"]) == 2
    assert "Give it with --archive FILE." in capsys.readouterr().err
    assert script.main(["cifar", str(tmp_path)]) == 2
    assert "no data set is called 'cifar'" in capsys.readouterr().err


def test_a_local_archive_is_checked_and_kept(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = written(tmp_path, vimeo_zip())
    arguments = ["vimeo90k_triplet", str(tmp_path / "out"), "--accept-licence", "--delete-archives", *files]
    assert script.main([*arguments, "--sha256", "0" * 64]) == 2
    assert f"not {'0' * 64}" in capsys.readouterr().err
    assert script.main(arguments) == 0
    assert (tmp_path / "0.archive").exists()


def test_another_archive_is_told_by_its_layout(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = written(tmp_path, ucf_zip())
    assert script.main(["vimeo90k_triplet", str(tmp_path / "out"), "--accept-licence", *files]) == 2
    assert "has not the layout of vimeo90k_triplet" in capsys.readouterr().err


def test_limits_reach_the_extraction(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = written(tmp_path, vimeo_zip())
    arguments = ["vimeo90k_triplet", str(tmp_path / "out"), "--accept-licence", *files]
    assert script.main([*arguments, "--max-gb", "1e-7"]) == 2
    assert "more than 100 bytes" in capsys.readouterr().err


def x4k_archive(folder: Path, *, count: int = 33) -> bytes:
    video = write_numbered(folder / "clip.mp4", count=count)
    with tarfile.open(folder / "x4k.tar.gz", "w:gz") as packed:
        packed.add(video, "encoded_test/Type1/TEST01_003_f0433.mp4")
    return (folder / "x4k.tar.gz").read_bytes()


def test_x4k_comes_as_videos_and_is_decoded_on_request(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = written(tmp_path, x4k_archive(tmp_path))
    arguments = ["x4k_test", str(tmp_path / "out"), "--accept-licence", *files]
    assert script.main(arguments) == 0
    assert "1 videos in" in capsys.readouterr().out
    assert script.main([*arguments, "--decode"]) == 0
    printed = capsys.readouterr().out
    assert "only its videos are decoded" in printed
    assert "7 samples; data root: " in printed
    folder = tmp_path / "out" / "x4k_test" / "test" / "Type1" / "TEST01_003_f0433"
    images = sorted(folder.iterdir())
    assert [path.name for path in images] == [f"{n:04d}.png" for n in range(33)]
    assert [read_number(decode_rgb(path.read_bytes())) for path in images] == list(range(33))


def test_decoding_goes_on_where_it_was(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "encoded" / "Type1").mkdir(parents=True, exist_ok=True)
        write_numbered(tmp_path / "encoded" / "Type1" / f"{name}.mp4", count=3)
    done = tmp_path / "test" / "Type1" / "a"
    done.mkdir(parents=True)
    (done / "mine.txt").touch()
    assert list(decode_clips(tmp_path, "test")) == [(0, 2), (1, 2), (2, 2)]
    assert [path.name for path in done.iterdir()] == ["mine.txt"]
    assert len(list((tmp_path / "test" / "Type1" / "b").iterdir())) == 3
    with pytest.raises(DatasetError, match="no videos to decode"):
        list(decode_clips(done, "test"))


def test_every_entry_of_the_catalogue_says_what_a_person_must_know(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([]) == 0
    listed = capsys.readouterr().out
    assert {entry.name for entry in CATALOGUE} == set(READERS)
    for entry in CATALOGUE:
        assert f"{entry.name}: " in listed
        assert urlsplit(entry.page).scheme in ("http", "https")
        assert entry.terms
        for file in entry.files:
            assert file.url is None or urlsplit(file.url).scheme in ("http", "https")
            assert file.url is not None or "http" in entry.hint


def test_requests_take_one_value_for_each_file() -> None:
    with pytest.raises(ConfigError, match="1 archives for 2 files"):
        FetchRequest(find_dataset("snu_film"), Path("out"), archives=[Path("a.zip")])


def test_folders_that_cannot_be_listed_are_named_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuse)
    monkeypatch.setattr(Path, "rglob", refuse)
    with pytest.raises(DatasetError, match="cannot be looked at: Permission denied"):
        find_data_root(find_dataset("vimeo90k_triplet"), tmp_path)
    with pytest.raises(DatasetError, match="cannot be looked for: Permission denied"):
        encoded_videos(tmp_path)
