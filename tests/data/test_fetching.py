"""Fetching: whole files, transfers that break off and go on, changed files, servers of every kind, full disks."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.request import Request

import pytest

from lift_core.data.fetching import FetchSettings, fetch
from lift_core.data.folder_lock import folder_lock
from lift_core.data.http_transfer import SafeRedirects
from lift_core.errors import FetchError, OutputError
from tests.data.file_server import Served, file_server

DATA = random.Random(0).randbytes(1_000_000)
OTHER = random.Random(1).randbytes(900_000)
SHA = hashlib.sha256(DATA).hexdigest()
AT_ONCE = FetchSettings(timeout_s=5, attempts=1)
TWICE = FetchSettings(timeout_s=5, attempts=2, first_wait_s=0)


@pytest.fixture
def served() -> Iterator[Served]:
    with file_server(Served(DATA)) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archives" / "set.zip"


def interrupt(served: Served, path: Path, after: int) -> None:
    """Leave a part file of ``after`` bytes, as a broken connection does."""
    served.break_after = [after]
    with pytest.raises(FetchError, match=f"it ended after {after} of 1000000 bytes.*{after} bytes are kept"):
        fetch(served.url, path, settings=AT_ONCE)
    assert path.with_name("set.zip.part").read_bytes() == DATA[:after]
    assert not path.exists()


def names(path: Path) -> list[str]:
    """What is beside the file; nothing where its folder is not there, as it was not before."""
    return sorted(file.name for file in path.parent.glob("*") if file.name != ".lock")


def test_a_file_arrives_whole_with_its_checksum(served: Served, path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    done = fetch(served.url, path, sha256=SHA.upper(), progress=lambda *step: seen.append(step))
    assert path.read_bytes() == DATA
    assert (done.bytes, done.sha256, done.was_checked) == (1_000_000, SHA, True)
    assert names(path) == ["set.zip", "set.zip.sha256"]
    assert path.with_name("set.zip.sha256").read_text() == f"{SHA}  set.zip\n"
    assert seen[-1] == ("check", 1_000_000, 1_000_000)
    fetched = [step for step in seen if step[0] == "fetch"]
    assert fetched[-1] == ("fetch", 1_000_000, 1_000_000)
    assert [step[1] for step in fetched] == sorted({step[1] for step in fetched})


def test_a_file_that_is_here_is_checked_not_fetched(served: Served, path: Path) -> None:
    assert not fetch(served.url, path).was_checked
    assert fetch(served.url, path).was_checked
    assert len(served.asked) == 1
    path.write_bytes(DATA[:-1] + b"x")
    with pytest.raises(FetchError, match=rf"not {SHA}.* Delete it and set\.zip\.sha256, and fetch it again"):
        fetch(served.url, path)
    assert path.stat().st_size == len(DATA)


def test_an_interrupted_transfer_goes_on_in_the_next_run(served: Served, path: Path) -> None:
    interrupt(served, path, 400_000)
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA
    assert served.asked == [None, "bytes=400000-"]
    assert served.conditions == [None, '"v1"']
    assert names(path) == ["set.zip", "set.zip.sha256"]


def test_a_transfer_that_breaks_again_and_again_goes_on_while_bytes_come(served: Served, path: Path) -> None:
    served.break_after = [100_000] * 6
    assert fetch(served.url, path, settings=TWICE).sha256 == SHA
    assert served.asked == [None] + [f"bytes={n}00000-" for n in range(1, 7)]


def test_it_gives_up_when_no_more_bytes_come(served: Served, path: Path) -> None:
    served.break_after = [100_000, 0, 0, 0]
    with pytest.raises(FetchError, match="interrupted 2 times in a row"):
        fetch(served.url, path, settings=TWICE)
    assert len(served.asked) == 2


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_changed_is_fetched_anew(served: Served, path: Path, if_range: bool) -> None:
    interrupt(served, path, 400_000)
    served.data, served.etag, served.if_range = OTHER, '"v2"', if_range
    assert fetch(served.url, path, settings=AT_ONCE).bytes == len(OTHER)
    assert path.read_bytes() == OTHER


def test_a_changed_file_of_the_same_size_is_told_by_its_tag(served: Served, path: Path) -> None:
    interrupt(served, path, 400_000)
    served.data, served.etag, served.if_range = DATA[::-1], '"v2"', False
    fetch(served.url, path, settings=AT_ONCE)
    assert path.read_bytes() == DATA[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_tag_the_date_tells_versions_apart(served: Served, path: Path, etag: str | None) -> None:
    served.etag = etag
    interrupt(served, path, 400_000)
    served.last_modified = "Sun, 02 Jan 2022 00:00:00 GMT"
    served.data = OTHER
    fetch(served.url, path, settings=AT_ONCE)
    assert path.read_bytes() == OTHER
    assert served.conditions == [None, "Sat, 01 Jan 2022 00:00:00 GMT"]


def test_without_tag_and_date_it_begins_anew(served: Served, path: Path) -> None:
    served.etag = served.last_modified = None
    interrupt(served, path, 400_000)
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA
    assert served.asked == [None, None]


def test_a_server_without_ranges_sends_all_again(served: Served, path: Path) -> None:
    served.ranges = False
    interrupt(served, path, 400_000)
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA
    assert served.asked == [None, "bytes=400000-"]


def test_a_part_longer_than_the_file_is_fetched_anew(served: Served, path: Path) -> None:
    interrupt(served, path, 400_000)
    served.data = DATA[:300_000]
    fetch(served.url, path, settings=AT_ONCE)
    assert path.read_bytes() == DATA[:300_000]
    assert served.asked == [None, "bytes=400000-", None]


def test_a_part_of_another_address_is_not_continued(served: Served, path: Path) -> None:
    interrupt(served, path, 400_000)
    served.data = DATA[::-1]
    fetch(f"{served.url}?mirror", path, settings=AT_ONCE)
    assert path.read_bytes() == DATA[::-1]


@pytest.mark.parametrize(
    "state", ["", "{", "[1]", "[" * 100_000, '{"url": 1, "etag": 2, "last_modified": 3, "bytes": "x"}']
)
def test_a_damaged_note_of_the_version_begins_anew(served: Served, path: Path, state: str) -> None:
    interrupt(served, path, 400_000)
    path.with_name("set.zip.part.json").write_text(state)
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA


def test_a_part_that_was_complete_needs_no_transfer(served: Served, path: Path) -> None:
    interrupt(served, path, 400_000)
    path.with_name("set.zip.part").write_bytes(DATA)
    served.statuses = [500]
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA
    assert len(served.asked) == 1


def test_the_version_is_noted_before_the_first_byte(served: Served, path: Path) -> None:
    interrupt(served, path, 1)
    noted = json.loads(path.with_name("set.zip.part.json").read_text())
    assert noted == {
        "url": served.url,
        "etag": '"v1"',
        "last_modified": "Sat, 01 Jan 2022 00:00:00 GMT",
        "bytes": 1_000_000,
    }


def test_another_checksum_is_an_error_and_the_file_is_kept_aside(served: Served, path: Path) -> None:
    with pytest.raises(FetchError, match=f"has the SHA-256 {SHA}, not {'0' * 64} as published"):
        fetch(served.url, path, sha256="0" * 64)
    assert names(path) == ["set.zip.rejected"]
    assert path.with_name("set.zip.rejected").read_bytes() == DATA


def test_a_file_fetched_again_is_compared_with_the_first_time(served: Served, path: Path) -> None:
    fetch(served.url, path)
    path.unlink()
    served.data = OTHER
    noted = r"as noted in set\.zip\.sha256 when it was fetched before.* delete set\.zip\.sha256 before"
    with pytest.raises(FetchError, match=noted):
        fetch(served.url, path)
    assert not path.exists()
    assert fetch(served.url, path, sha256=hashlib.sha256(OTHER).hexdigest()).was_checked


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_refusal_is_told_at_once(served: Served, path: Path, status: int) -> None:
    served.statuses = [status]
    with pytest.raises(FetchError, match=f"the server answers {status}"):
        fetch(served.url, path, settings=TWICE)
    assert len(served.asked) == 1
    assert names(path) == []


def test_errors_of_the_server_that_may_pass_are_tried_again(served: Served, path: Path) -> None:
    served.statuses = [503]
    assert fetch(served.url, path, settings=TWICE).sha256 == SHA
    served.statuses = [503, 429]
    with pytest.raises(FetchError, match="interrupted 2 times in a row: the server answers 429"):
        fetch(served.url, path.with_name("b.zip"), settings=TWICE)


def test_no_connection_is_a_named_error(path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match=r"interrupted 2 times in a row: .*refused"):
        fetch(f"http://127.0.0.1:{port}/set.zip", path, settings=TWICE)


def test_a_silent_server_is_given_up(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/set.zip"
        with pytest.raises(FetchError, match="timed out"):
            fetch(url, path, settings=FetchSettings(timeout_s=0.2, attempts=1))


def test_a_length_that_is_not_announced_is_taken_as_it_comes_and_not_noted(served: Served, path: Path) -> None:
    """It may have been cut short; a note would refuse the whole file ever after."""
    served.announces_length = False
    served.break_after = [400_000]
    for _ in ("fetched", "checked"):
        done = fetch(served.url, path, settings=AT_ONCE)
        assert (done.bytes, done.was_checked, done.is_noted) == (400_000, False, False)
        assert names(path) == ["set.zip"]
    path.unlink()
    done = fetch(served.url, path, sha256=SHA, settings=AT_ONCE)
    assert (done.bytes, done.was_checked, done.is_noted) == (1_000_000, True, True)


def test_an_answer_in_chunks_has_an_end(served: Served, path: Path) -> None:
    served.chunked, served.announces_length, served.break_after = True, False, [400_000]
    with pytest.raises(FetchError, match="interrupted 1 times in a row"):
        fetch(served.url, path, settings=AT_ONCE)
    assert fetch(served.url, path, settings=AT_ONCE).is_noted
    assert path.read_bytes() == DATA
    assert served.asked == [None, "bytes=400000-"]


def test_chunks_overrule_a_length(served: Served, path: Path) -> None:
    served.chunked, served.lengths = True, ["5"]
    done = fetch(served.url, path, settings=AT_ONCE)
    assert (done.sha256, done.is_noted) == (SHA, True)


@pytest.mark.parametrize("is_announced", [True, False])
def test_an_empty_file_is_an_error(is_announced: bool, served: Served, path: Path) -> None:
    served.data, served.announces_length = b"", is_announced
    with pytest.raises(FetchError, match="sends an empty file"):
        fetch(served.url, path, settings=AT_ONCE)
    assert names(path) == []


@pytest.mark.parametrize(
    "lengths", [["-5"], ["many"], ["\xb2"], ["1" * 5000], ["1e6"], [" "], ["1000000", "999999"], ["1000000, 1000000"]]
)
def test_a_length_that_makes_no_sense_is_an_error(lengths: list[str], served: Served, path: Path) -> None:
    served.lengths = lengths
    with pytest.raises(FetchError, match="answers with a Content-Length of "):
        fetch(served.url, path, settings=TWICE)
    assert len(served.asked) == 1
    assert names(path) == []


def test_a_length_that_is_stated_twice_is_one_length(served: Served, path: Path) -> None:
    served.lengths = ["1000000", "1000000"]
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA


RANGES = [
    "",
    "bytes",
    "bytes 0-5/6",
    "bytes 400000-999999/*",
    "bytes \xb2-5/6",
    f"bytes 4-5/{'1' * 5000}",
]


@pytest.mark.parametrize("content_range", [*RANGES, "bytes 400000-999999/1000000"])
def test_a_part_that_was_not_asked_for_is_an_error(content_range: str, served: Served, path: Path) -> None:
    """Taken for the start of the file, it would be continued to a file of the right length."""
    served.content_range = content_range
    with pytest.raises(FetchError, match="a part of the file where all of it was asked for"):
        fetch(served.url, path, settings=TWICE)
    assert names(path) == []


@pytest.mark.parametrize("content_range", RANGES)
def test_another_part_than_asked_for_is_not_taken(content_range: str, served: Served, path: Path) -> None:
    interrupt(served, path, 400_000)
    served.content_range = content_range
    with pytest.raises(FetchError, match="a part of the file where all of it was asked for"):
        fetch(served.url, path, settings=AT_ONCE)
    assert served.asked == [None, "bytes=400000-", None]
    served.content_range = None
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA


def test_a_web_page_is_not_taken_for_the_file(served: Served, path: Path) -> None:
    served.content_type = "text/html; charset=utf-8"
    with pytest.raises(FetchError, match="a web page, not the file"):
        fetch(served.url, path)
    assert names(path) == []


def test_redirections_are_followed_to_http_only(served: Served, path: Path) -> None:
    with file_server(Served(b"", location=served.url)) as first:
        assert fetch(first.url, path, settings=AT_ONCE).sha256 == SHA
    for place in ("ftp://127.0.0.1/set.zip", "file:///etc/hostname"):
        with file_server(Served(b"", location=place)) as first, pytest.raises(FetchError, match="http"):
            fetch(first.url, path.with_name("b.zip"), settings=AT_ONCE)


def test_no_redirection_gives_up_encryption() -> None:
    request = Request("https://here/set.zip")
    assert SafeRedirects().redirect_request(request, None, 302, "", {}, "https://there/set.zip") is not None
    with pytest.raises(FetchError, match="from https to http"):
        SafeRedirects().redirect_request(request, None, 302, "", {}, "http://there/set.zip")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "set.zip", "", "127.0.0.1/x", "data:,x"])
def test_other_schemes_are_refused(url: str, path: Path) -> None:
    with pytest.raises(FetchError, match="by http and https only"):
        fetch(url, path, settings=TWICE)


@pytest.mark.parametrize(
    "url",
    [
        "http://[bad/x",
        "http://",
        "http:///x",
        "http://:80/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:port/x",
        "http://name:word@127.0.0.1:1/x",
        "http://127.0.0.1:1/a b",
        "http://127.0.0.1:1/a\nb",
        "http://127.0.0.1:1/\x7f",
        "http://127.0.0.1:1/ä",
        f"http://{'ä' * 300}/x",
        "http://a..b/x",
        "http://\udcff/x",
    ],
)
def test_addresses_that_are_none_are_told_at_once(url: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits for the address to become one"))
    with pytest.raises(FetchError, match="no usable address: ") as error:
        fetch(url, path, settings=TWICE)
    assert "\n" not in error.value.what
    assert names(path) == []


def test_too_small_a_disk_is_told_before(served: Served, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=999_999))
    with pytest.raises(OutputError, match=r"0\.00 GB are needed for the file, 0\.00 GB are free"):
        fetch(served.url, path)
    assert names(path) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_999_999))
    with pytest.raises(OutputError, match="with what comes out of it"):
        fetch(served.url, path, room_after=1.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2_000_000))
    assert fetch(served.url, path, room_after=1.0).sha256 == SHA


def test_what_is_here_already_needs_no_room(served: Served, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(served, path, 400_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=600_000))
    assert fetch(served.url, path, settings=AT_ONCE).sha256 == SHA


def test_a_full_disk_keeps_what_came(served: Served, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = Path.open

    def open_on_a_full_disk(place: Path, mode: str = "r", **options: object) -> object:
        file = open_file(place, mode, **options)  # type: ignore[call-overload]
        if not place.name.endswith(".part"):
            return file
        write = file.write

        def write_some(data: bytes) -> int:
            if file.tell() + len(data) > 500_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(write(data))

        return Intercepted(file, write_some)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_a_full_disk)
        with pytest.raises(OutputError, match=r"No space left on device.*what came is kept"):
            fetch(served.url, path)
    kept = path.with_name("set.zip.part").stat().st_size
    assert 0 < kept <= 500_000
    assert fetch(served.url, path).sha256 == SHA
    assert served.asked == [None, f"bytes={kept}-"]


class Intercepted:
    """A file with another ``write``."""

    def __init__(self, file: object, write: object) -> None:
        self._file, self.write = file, write

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def __enter__(self) -> Intercepted:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()  # type: ignore[attr-defined]


def test_two_fetches_to_one_folder_do_not_mix(served: Served, path: Path) -> None:
    with folder_lock(path.parent), pytest.raises(OutputError, match="another process"):
        fetch(served.url, path)
