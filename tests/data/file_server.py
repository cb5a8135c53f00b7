"""An HTTP server in a thread for tests of fetching, which breaks off, forgets ranges or changes its file on demand."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """What the server sends and how; tests change it between requests.

    Attributes:
        data: the file. etag, last_modified: sent where not None.
        ranges: whether Range is understood; if_range: whether If-Range is.
        break_after: bytes after which each of the next transfers breaks off, one number a transfer.
        stall_after: bytes after which a transfer says no more until ``resume`` is set, or None.
        statuses: answers of the next requests instead of the file.
        content_type, location: a header of every answer; a redirection instead of the file.
        announces_length: whether Content-Length is sent.
        lengths: what it says instead of the truth, one header each.
        content_range: of an answer 206 to every request, or None.
        chunked: whether the file comes in pieces that state their lengths; a transfer that breaks off lacks the last.
        asked, conditions: the Range and the If-Range header of every request so far, or None.
    """

    data: bytes
    etag: str | None = '"v1"'
    last_modified: str | None = "Sat, 01 Jan 2022 00:00:00 GMT"
    ranges: bool = True
    if_range: bool = True
    break_after: list[int] = field(default_factory=list)
    stall_after: int | None = None
    resume: threading.Event = field(default_factory=threading.Event)
    statuses: list[int] = field(default_factory=list)
    content_type: str = "application/zip"
    location: str | None = None
    announces_length: bool = True
    lengths: list[str] = field(default_factory=list)
    content_range: str | None = None
    chunked: bool = False
    asked: list[str | None] = field(default_factory=list)
    conditions: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def file_server(served: Served) -> Iterator[Served]:
    """Serve on a free port until the block ends; ``served.url`` is the file's address."""
    server = _Server(("127.0.0.1", 0), _handler(served))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/set.zip"
    try:
        yield served
    finally:
        served.resume.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing where a client has left, as many are meant to."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _handler(served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.asked.append(self.headers.get("Range"))
            served.conditions.append(self.headers.get("If-Range"))
            if served.statuses:
                self.send_error(served.statuses.pop(0))
            elif served.location is not None:
                self.send_response(302)
                self.send_header("Location", served.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._send(self._start())

        def _start(self) -> int:
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            condition = self.headers.get("If-Range")
            same = not served.if_range or condition in (None, served.etag, served.last_modified)
            return int(found[1]) if found and served.ranges and same else 0

        def _send(self, start: int) -> None:
            whole = len(served.data)
            if start and start >= whole:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{whole}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content_range = served.content_range
            if start and content_range is None:
                content_range = f"bytes {start}-{whole - 1}/{whole}"
            self.send_response(200 if content_range is None else 206)
            self.send_header("Connection", "close")
            self.send_header("Content-Type", served.content_type)
            if content_range is not None:
                self.send_header("Content-Range", content_range)
            for name, value in (("ETag", served.etag), ("Last-Modified", served.last_modified)):
                if value is not None:
                    self.send_header(name, value)
            if served.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            for length in served.lengths or ([str(whole - start)] if served.announces_length else []):
                self.send_header("Content-Length", length)
            self.end_headers()
            part = served.data[start:]
            if served.chunked:
                breaks = bool(served.break_after)
                part = part[: served.break_after.pop(0)] if breaks else part
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) + (b"" if breaks else b"0\r\n\r\n"))
                return
            if served.stall_after is not None:
                self.wfile.write(part[: served.stall_after])
                served.resume.wait()
                return
            self.wfile.write(part[: served.break_after.pop(0)] if served.break_after else part)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
