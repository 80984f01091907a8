"""The gate lets those in who bring the token, and nothing else gets through."""

from __future__ import annotations

import http.server
import random
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from legged_gym_ext.viewing.web.gate import Gate, token_of, with_cookie
from legged_gym_ext.viewing.web.viewer import is_loopback, require_token
from st_rl.utils.errors import UserError

TOKEN = "open-sesame"


class Page(http.server.BaseHTTPRequestHandler):
    """Counts its visitors."""

    visits = 0

    def do_GET(self) -> None:
        Page.visits += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the page")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gate = Gate("127.0.0.1", 0, server.server_address[1], TOKEN)
    yield gate
    gate.close()
    server.shutdown()
    server.server_close()


def get(gate: Gate, path: str, **headers: str) -> tuple[int, bytes, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{gate.port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers.get("Set-Cookie", "")
    except urllib.error.HTTPError as error:
        return error.code, error.read(), ""


def test_without_the_token_nothing_passes(gate: Gate) -> None:
    before = Page.visits
    for path in ("/", "/?token=wrong", "/?token=", f"/?tok={TOKEN}", f"/{TOKEN}"):
        status, body, _ = get(gate, path)
        assert status == 403 and b"needs its token" in body
    assert get(gate, "/", Cookie=f"other={TOKEN}")[0] == 403
    assert Page.visits == before


def test_the_token_opens_the_page_and_leaves_a_cookie_that_does_too(gate: Gate) -> None:
    status, body, cookie = get(gate, f"/?token={TOKEN}")
    assert (status, body) == (200, b"the page") and "HttpOnly" in cookie
    assert get(gate, "/", Cookie=cookie.split(";")[0])[:2] == (200, b"the page")


def test_hostile_messages_reach_nobody_and_stop_nothing(gate: Gate) -> None:
    before, noise = Page.visits, random.Random(0)
    for number in range(100):
        with socket.create_connection(("127.0.0.1", gate.port), timeout=5) as connection:
            connection.sendall(noise.randbytes(noise.randrange(1, 2000)) + (b"\r\n\r\n" if number % 2 else b""))
    assert Page.visits == before
    assert get(gate, f"/?token={TOKEN}")[0] == 200


def test_tokens_are_found_in_addresses_and_cookies() -> None:
    assert token_of(b"GET /?a=1&token=x HTTP/1.1\r\nHost: here\r\n\r\n") == "x"
    assert token_of(b"GET / HTTP/1.1\r\nCOOKIE: a=b; legged_token=y\r\n\r\n") == "y"
    assert token_of(b"GET / HTTP/1.1\r\n\r\n") == token_of(b"\xff\x00 \r\n\r\n") == ""


def test_the_cookie_goes_into_the_head_of_an_answer() -> None:
    answer = with_cookie(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", "t")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nSet-Cookie: legged_token=t;") and answer.endswith(b"A: b\r\n\r\nbody")
    assert with_cookie(b"no answer", "t") == b"no answer"


def test_other_machines_need_a_token() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("example.org")
    require_token("127.0.0.1", "")
    require_token("0.0.0.0", TOKEN)
    with pytest.raises(UserError, match="--token"):
        require_token("0.0.0.0", "")
    with pytest.raises(UserError, match="letters"):
        require_token("0.0.0.0", "a b")


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="choose another --port"):
        Gate("127.0.0.1", taken.getsockname()[1], 1, TOKEN)
