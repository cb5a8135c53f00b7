"""One HTTP request for the rest of a file, whose answer says which version of the file it is and where it starts."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lift_core.errors import FetchError

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LENGTH = re.compile(r"[0-9]{1,18}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
NEW_ADDRESS = "The file may have moved: look at the data set's page, and give its new place with --url."


class TransferInterruptedError(Exception):
    """The transfer ended early, or did not begin, for a reason that may pass."""


@dataclass(frozen=True)
class FileVersion:
    """What tells one version of a file on a server from another.

    Attributes:
        url: as it was asked for, before any redirection.
        etag, last_modified: as the server states them, or None.
        bytes: of the whole file, or None.
    """

    url: str
    etag: str | None
    last_modified: str | None
    bytes: int | None

    @property
    def validator(self) -> str | None:
        """What a server compares before it sends the rest of a file (RFC 9110, 13.1.5); weak tags do not serve."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified


@dataclass(frozen=True)
class Transfer:
    """An answer that is being read.

    Attributes:
        version: of the file. start: the first byte that comes.
        end_is_marked: whether a transfer that was cut short can be told from a whole one.
    """

    version: FileVersion
    start: int
    end_is_marked: bool
    _response: Any

    def pieces(self, size: int) -> Iterator[bytes]:
        """The bytes from ``start`` on, up to ``size`` at a time.

        Raises:
            TransferInterruptedError: the connection broke, was silent for too long, or ended before the last byte.
        """
        done = self.start
        while True:
            try:
                piece = self._response.read1(size)
            except (OSError, http.client.HTTPException) as error:
                raise TransferInterruptedError(str(error) or type(error).__name__) from error
            if not piece:
                break
            done += len(piece)
            yield piece
        if self.version.bytes is not None and done != self.version.bytes:
            raise TransferInterruptedError(f"it ended after {done} of {self.version.bytes} bytes")


@contextmanager
def open_transfer(url: str, have: int, known: FileVersion | None, timeout: float) -> Iterator[Transfer]:
    """Ask for a file, from byte ``have`` on where the server can send that and still has the ``known`` version.

    Only http and https are spoken, and a redirection never leads from https to http.

    Args:
        url: the file. have: bytes that are here already. known: the version that they are of.
        timeout: seconds of silence before the transfer counts as interrupted.

    Raises:
        FetchError: no usable address; the server refuses, there is no such file, it sends a web page, or headers that
            make no sense.
        TransferInterruptedError: no connection, or an error of the server that may pass.
    """
    response, start = _answer(url, have, known, timeout)
    try:
        _refuse_web_page(url, response)
        version = _version(url, response)
        # Pieces of a chunked answer state their lengths, the last one included.
        yield Transfer(version, start, version.bytes is not None or bool(response.chunked), response)
    finally:
        response.close()


def _answer(url: str, have: int, known: FileVersion | None, timeout: float) -> tuple[Any, int]:
    validator = known.validator if known is not None and known.url == url else None
    if have and validator and known is not None:
        response = _request(url, {"Range": f"bytes={have}-", "If-Range": validator}, timeout)
        if response is not None and response.status != 206:
            # The whole file: the server knows no ranges, or has another version.
            return response, 0
        if response is not None and _continues(response, have, known):
            return response, have
        if response is not None:
            response.close()
    response = _request(url, {}, timeout)
    if response.status == 206:
        response.close()
        raise _senseless(url, "a part of the file where all of it was asked for")
    return response, 0


def _request(url: str, headers: dict[str, str], timeout: float) -> Any:
    """The answer; None where the asked range lies beyond the end of the file."""
    # A compressed transfer has ranges of its own.
    headers = {"User-Agent": "lift-core", "Accept-Encoding": "identity", **headers}
    try:
        _check_address(url)
        request = urllib.request.Request(url, headers=headers)
        return urllib.request.build_opener(SafeRedirects).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and "Range" in headers:
            return None
        if error.code in _PASSING:
            raise TransferInterruptedError(f"the server answers {error.code} {error.reason}") from error
        raise FetchError(
            f"the server answers {error.code} {error.reason}",
            where=url,
            fix=NEW_ADDRESS,
        ) from error
    except http.client.InvalidURL as error:
        raise _no_address(url, str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise FetchError(
                f"the server cannot prove who it is: {reason}",
                where=url,
                fix="Check the machine's clock and its certificates; a proxy may be in the way.",
            ) from error
        raise TransferInterruptedError(str(reason) or type(reason).__name__) from error
    except ValueError as error:
        raise _no_address(url, str(error)) from error


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections to http and https, and none that gives up encryption."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        _check_address(newurl)
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise FetchError("the server leads from https to http", where=newurl, fix="Do not trust it.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        server, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _no_address(url, str(error)) from error
    if parts.scheme not in ("http", "https"):
        raise FetchError("files are fetched by http and https only", where=url, fix="Give a local file by --archive.")
    if not server:
        raise _no_address(url, "it names no server")
    if "@" in parts.netloc:
        raise _no_address(url, "names and passwords are not sent")
    if not url.isprintable() or " " in url:
        raise _no_address(url, "it has a blank or a control character")


def _no_address(url: str, reason: str) -> FetchError:
    return FetchError(f"no usable address: {reason}", where=url, fix="Check it.")


def _senseless(url: str, answer: str) -> FetchError:
    return FetchError(
        f"the server answers with {answer}", where=url, fix="Fetch it elsewhere, and give it with --archive."
    )


def _continues(response: Any, have: int, known: FileVersion) -> bool:
    """Whether a partial answer is the rest of the known version; some servers do not look at If-Range."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != have:
        return False
    now = _version(known.url, response)
    same_size = known.bytes is None or now.bytes == known.bytes
    return same_size and (now.etag, now.last_modified) == (known.etag, known.last_modified)


def _version(url: str, response: Any) -> FileVersion:
    headers = response.headers
    return FileVersion(url, headers.get("ETag"), headers.get("Last-Modified"), _file_length(url, response))


def _file_length(url: str, response: Any) -> int | None:
    if response.status == 206:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return int(found[3]) if found and found[3] != "*" else None
    # RFC 9112, 6.3: chunks overrule a length; more than one length, or none that is a number, is an error.
    lengths = set(response.headers.get_all("Content-Length", []))
    if response.chunked or not lengths:
        return None
    length = lengths.pop()
    if lengths or not _LENGTH.fullmatch(length):
        raise _senseless(url, f"a Content-Length of {length[:60]!r}{' and another one' if lengths else ''}")
    return int(length)


def _refuse_web_page(url: str, response: Any) -> None:
    if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise FetchError(
            "the server sends a web page, not the file",
            where=url,
            fix="Open the address in a browser, fetch the file there, and give it with --archive.",
        )
