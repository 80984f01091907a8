"""The page of runs, served to this machine alone; it reads the run folders anew at every request and writes nothing."""

from __future__ import annotations

import errno
import logging
import re
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from legged_gym_ext.pipeline.run_comparison import compare, films_of, labels
from legged_gym_ext.pipeline.run_overview import HEADINGS, all_runs, cells, summaries
from st_rl.utils.errors import UserError

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
"""The only address that is listened on."""
MAX_RUNS = 6
"""Runs that are compared at most."""
_RENEW_S = 5
"""Seconds between two looks of an open page."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; media-src 'self'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_CHUNK = 2**18
Query = Mapping[str, list[str]]


class RunsPages:
    """The pages, without the server."""

    def __init__(self, root: Path) -> None:
        """``root``: where the runs lie."""
        self.root = root
        environment = Environment(
            loader=PackageLoader("legged_gym_ext.pipeline", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("runs_page.html")

    def known(self) -> dict[str, Path]:
        """Every run by ``<task>/<name>``, by which pages know it; nothing else can be asked for."""
        return {f"{folder.parent.name}/{folder.name}": folder for folder in all_runs(self.root)}

    def _chosen(self, query: Query) -> dict[str, Path]:
        known = self.known()
        return {key: known[key] for key in dict.fromkeys(query.get("run", [])) if key in known}

    def overview(self, query: Query) -> str:
        """The list of all runs, from which some are chosen."""
        found = summaries(self.root)
        rows = [(f"{each.folder.parent.name}/{each.name}", cells(each)) for each in found]
        return self._render("runs", headings=HEADINGS, rows=rows, chosen=[], comparison=None, names=[], keys=[])

    def comparison(self, query: Query) -> str:
        """The runs that ``query`` names, beside each other."""
        chosen = self._chosen(query)
        keys, folders = [*chosen][:MAX_RUNS], [*chosen.values()][:MAX_RUNS]
        left_out = f"; the first {MAX_RUNS} of {len(chosen)} are shown" if len(chosen) > MAX_RUNS else ""
        title = ("comparison" if len(keys) != 1 else "run") + left_out
        films = [urlencode({"run": key}) for key in keys]
        found = compare(folders)
        return self._render(
            title, headings=[], rows=[], chosen=films, comparison=found, names=labels(folders), keys=keys
        )

    def film(self, query: Query) -> Path | None:
        """The film that ``query`` names, if there is such a run and it has that film."""
        file = query.get("file", [""])[0]
        for folder in self._chosen(query).values():
            if file in films_of(folder):
                return folder / file
        return None

    def _render(self, title: str, **shown: object) -> str:
        return self._template.render(title=title, root=str(self.root), renew=1000 * _RENEW_S, **shown)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET of three kinds of address, to whoever calls this machine by its own name."""

    server_version, sys_version = "legged-runs", ""
    protocol_version = "HTTP/1.1"
    timeout = 30.0
    pages: RunsPages
    names: frozenset[str]

    def do_GET(self) -> None:
        # A page of somebody else whose name leads here must not read what is served.
        if self.headers.get("Host", "") not in self.names:
            self._answer(HTTPStatus.FORBIDDEN, b"open the address that legged-runs printed", "text/plain")
            return
        texts: dict[str, Callable[[Query], str]] = {"/": self.pages.overview, "/compare": self.pages.comparison}
        try:
            address = urlsplit(self.path)
            query = parse_qs(address.query, max_num_fields=100)
            if address.path in texts:
                self._answer(HTTPStatus.OK, texts[address.path](query).encode(), "text/html; charset=utf-8")
                return
            film = self.pages.film(query) if address.path == "/film" else None
            if film is not None:
                self._send_film(film)
                return
        except (OSError, ValueError) as error:
            log.debug("%s: %s", self.path, error)
        self._answer(HTTPStatus.NOT_FOUND, b"there is no such page", "text/plain")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, **_HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_film(self, path: Path) -> None:
        """Send a film, or the part of it that the browser asks for."""
        with path.open("rb") as file:
            size = path.stat().st_size
            start, end = _part(self.headers.get("Range", ""), size)
            headers = {"Content-Type": "video/mp4", "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
            whole = end - start == size
            if not whole:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            self._head(HTTPStatus.OK if whole else HTTPStatus.PARTIAL_CONTENT, headers)
            file.seek(start)
            left = end - start
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                self.wfile.write(chunk)
                left -= len(chunk)

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the terminal."""


def _part(wanted: str, size: int) -> tuple[int, int]:
    """First byte, and one after the last, of the part that a header ``Range`` asks for; all where it makes no sense."""
    found = _RANGE.fullmatch(wanted.strip())
    if not found or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else (0, size)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that has left is no news."""
        log.debug("a request was broken off", exc_info=True)


class RunsServer:
    """Serves the pages of the runs below a folder until it is closed."""

    def __init__(self, root: Path, port: int) -> None:
        """Start to listen; ``UserError`` where the port is taken. Port 0 takes a free one."""
        handler = type("Handler", (_Handler,), {"pages": RunsPages(root)})
        try:
            self._server = _Server((HOST, port), handler)
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            reason = "it is taken" if taken else str(error)
            raise UserError(
                f"cannot listen on port {port} of this machine ({reason}); choose another --port"
            ) from error
        self.port: int = self._server.server_address[1]
        handler.names = frozenset(f"{name}:{self.port}" for name in (HOST, "localhost"))  # pyright: ignore[reportAttributeAccessIssue]
        self.address = f"http://{HOST}:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, name="runs", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the server is closed, or the program interrupted."""
        self._thread.join()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5.0)
