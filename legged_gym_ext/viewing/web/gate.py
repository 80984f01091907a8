"""A gate before a server that trusts everybody: connections pass if they bring the token.

The page is opened as ``http://host:port/?token=...``; a cookie brings the token from then on. What has passed is
handed on byte by byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import threading
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from st_rl.utils.errors import UserError

_COOKIE = "legged_token"
_MAX_HEAD = 16 * 1024
"""Longer heads of a request are refused, bytes."""
_HEAD_S = 10.0
"""Seconds within which a connection has to send its first head."""
_CHUNK = 64 * 1024
_REFUSED = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"This page needs its token: open the address that legged-play printed.\n"
)


def token_of(head: bytes) -> str:
    """The token in the head of an HTTP request, from its address or its cookies; empty where there is none."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) == 3:
        with contextlib.suppress(ValueError):
            given = parse_qs(urlsplit(parts[1]).query).get("token")
            if given:
                return given[0]
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "cookie":
            with contextlib.suppress(CookieError):
                cookie = SimpleCookie(value.strip()).get(_COOKIE)
                if cookie is not None:
                    return cookie.value
    return ""


def with_cookie(answer: bytes, token: str) -> bytes:
    """The beginning of an HTTP answer with the cookie that lets the browser's next connections pass."""
    first, newline, rest = answer.partition(b"\r\n")
    cookie = f"Set-Cookie: {_COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/\r\n".encode("ascii")
    return first + newline + cookie + rest if newline and first.startswith(b"HTTP/") else answer


class Gate:
    """Listens on ``host:port`` and hands connections with the token on to ``127.0.0.1:target``."""

    def __init__(self, host: str, port: int, target: int, token: str) -> None:
        """Start listening; ``UserError`` where that is not possible."""
        self._target, self._token = target, token
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate", daemon=True)
        self._thread.start()
        opening = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, host, port), self._loop)
        try:
            self._server = opening.result(timeout=10.0)
        except OSError as error:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise UserError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_S)
            if len(head) > _MAX_HEAD or not hmac.compare_digest(token_of(head).encode(), self._token.encode()):
                writer.write(_REFUSED)
                await writer.drain()
                return
            await self._pass_on(head, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            return  # not a request, or a connection that broke
        finally:
            writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            requests.write(head)
            writer.write(with_cookie(await answers.read(_CHUNK), self._token))
            await asyncio.gather(_copy(reader, requests), _copy(answers, writer))
        finally:
            requests.close()

    def close(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=2.0)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
    with contextlib.suppress(OSError, RuntimeError):
        sink.close()
