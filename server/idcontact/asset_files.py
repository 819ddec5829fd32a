"""Scripts, stylesheets, images and sounds: read once at start, served from memory, cacheable for ever by content.

A request cannot name a file on disk, only a key of a dictionary, so there is no path to traverse. A page names a file
by `AssetFiles.url`, which adds `?v=<hash of the content>`; that address never changes its content and is cached as
`immutable` (RFC 8246). The same file without a hash, or with an old one, is revalidated by its ETag on every use: that
is how a municipality's page loads `widget.js`.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response

from idcontact.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_COMPRESSIBLE = frozenset({".css", ".js", ".json", ".map", ".svg", ".txt", ".wasm"})
_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "public, no-cache"


@dataclass(frozen=True)
class Asset:
    """One file: its content, the same gzipped where that is smaller, and the hash that names its version."""

    media_type: str
    content: bytes
    gzipped: bytes | None
    version: str


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    gzipped = gzip.compress(content, 9, mtime=0) if path.suffix in _COMPRESSIBLE else None
    if gzipped is not None and len(gzipped) >= len(content):
        gzipped = None
    version = hashlib.sha256(content).hexdigest()[:16]
    return Asset(MEDIA_TYPES[path.suffix], content, gzipped, version)


def _files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below `folder` that has a known type; hidden ones (`.vite/`) are left out."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and path.suffix in MEDIA_TYPES and not hidden:
            yield name.as_posix(), path


class AssetFiles:
    """The files below some folders, each folder under its own prefix (`{"/assets": …, "/static": …}`).

    A folder that does not exist is empty: a checkout whose front ends are not built yet still serves its own pages.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._assets = {
            f"{prefix}/{name}": _read(path)
            for prefix, folder in folders.items()
            if folder.is_dir()
            for name, path in _files_of(folder)
        }

    def __contains__(self, path: object) -> bool:
        return path in self._assets

    def url(self, path: str) -> str:
        """`path` with the version of its content; unchanged when there is no such file."""
        asset = self._assets.get(path)
        return path if asset is None else f"{path}?v={asset.version}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: mount it at every prefix it was made with. Raises `NotFound` for a file that is not there."""
        path: str = scope["path"].removeprefix(scope.get("app_root_path", ""))
        asset = self._assets.get(path)
        if asset is None:
            raise NotFound("there is no such file")
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405, "only GET and HEAD are possible here", {"Allow": "GET, HEAD"})
        await self._answer(asset, scope)(scope, receive, send)

    @staticmethod
    def _answer(asset: Asset, scope: Scope) -> Response:
        asked_version = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        request_headers = Headers(scope=scope)
        # Weak: gzipped or not, it is the same script (RFC 9110 §8.8.1). Compared as such, with or without the mark.
        version = f'"{asset.version}"'
        headers = {
            "Cache-Control": _IMMUTABLE if asked_version == asset.version else _REVALIDATE,
            "ETag": f"W/{version}",
            "X-Content-Type-Options": "nosniff",
            # Other sites embed widget.js, a module, which browsers fetch with CORS. Nothing here is secret.
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if asset.gzipped is not None:
            headers["Vary"] = "Accept-Encoding"
        if version in request_headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = asset.content
        if asset.gzipped is not None and "gzip" in request_headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = asset.gzipped
        response = Response(body, media_type=asset.media_type, headers=headers)
        if scope["method"] == "HEAD":
            response.body = b""
        return response
