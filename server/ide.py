"""GraphiQL, served with no help from the internet: its page, and its files in static/.

The page may load from this server only (Content-Security-Policy), so a token typed into its
headers cannot travel elsewhere. server/static/THIRD_PARTY.md says whose files they are.
"""

from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"

# React and CodeMirror put style elements into the page, hence 'unsafe-inline' for styles
# alone. 'self' covers WebSockets of this origin in current browsers.
PAGE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def page(root_path: str, path: str) -> HTMLResponse:
    """The page for the endpoint at `path` (as in the ASGI scope) below `root_path`."""
    endpoint = path if path.startswith(root_path) else root_path + path
    template = Template((STATIC / "graphiql.html").read_text(encoding="utf-8"))
    return HTMLResponse(template.substitute(endpoint=escape(endpoint)), headers=PAGE_HEADERS)


class _Assets(StaticFiles):
    """A file with a version in its name never changes; ours are asked about each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = path.endswith((".min.js", ".min.css"))
        response.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if versioned else "no-cache"
        )
        response.headers["x-content-type-options"] = "nosniff"
        return response


def assets() -> StaticFiles:
    """The ASGI application that serves GraphiQL's files."""
    return _Assets(directory=STATIC)
