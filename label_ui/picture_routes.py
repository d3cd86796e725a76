"""Pictures for the pages: crops by their content's name, photos and small faces by the face's number."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from db.errors import InputError, MimiqueError, NotFoundError
from db.records.faces import Face
from db.workspace import Workspace
from label_ui.pictures import browser_jpeg
from label_ui.switchboard import refusal
from label_ui.thumbs import Thumbs

THUMB_SIZES = range(32, 641)  # pixels, longest side
_FOREVER = {
    "Cache-Control": "private, max-age=31536000, immutable"
}  # in this browser alone; it never changes
_CROP_NAME = re.compile(r"[0-9a-f]{16}")
_CROP_SUFFIX = ".jpg"


def add_pictures(app: FastAPI, workspace: Workspace) -> None:
    """Add ``/picture/crop/<first 16 digits of its SHA-256>``, ``/picture/photo/<face>``, ``/picture/thumb/<face>``."""
    store, blobs = workspace.store, workspace.blobs
    thumbs = Thumbs(lambda sha256: blobs.read(sha256, _CROP_SUFFIX))

    def face_of(number: str) -> Face:
        found = store.faces.by_ids((int(number),)) if number.isdecimal() and len(number) < 12 else ()
        if not found:
            raise NotFoundError(f"there is no face {number[:20]}", hint="reload the page")
        return found[0]

    def crop(name: str) -> bytes:
        sha256 = store.faces.crop_named(name) if _CROP_NAME.fullmatch(name) else None
        if sha256 is None:
            raise NotFoundError(f"there is no crop {name[:20]}", hint="reload the page")
        return blobs.read(sha256, _CROP_SUFFIX)

    def photo(number: str) -> bytes:
        found = store.photos.by_id(face_of(number).photo_id)
        assert found is not None  # a face's photo is kept by a foreign key
        return browser_jpeg(blobs.read(found.sha256, found.suffix))

    def thumb(number: str, size: str) -> bytes:
        if not size.isdecimal() or int(size) not in THUMB_SIZES:
            raise InputError(f"a size lies in {THUMB_SIZES.start}..{THUMB_SIZES.stop - 1}, got {size[:20]!r}")
        return thumbs.of(face_of(number).crop_sha256, int(size))

    @app.get("/picture/crop/{name}")
    async def crop_route(name: str) -> Response:
        return await run_in_threadpool(_picture, lambda: crop(name))

    @app.get("/picture/photo/{number}")
    async def photo_route(number: str) -> Response:
        return await run_in_threadpool(_picture, lambda: photo(number))

    @app.get("/picture/thumb/{number}")
    async def thumb_route(number: str, request: Request) -> Response:
        size = request.query_params.get("size", "160")
        return await run_in_threadpool(_picture, lambda: thumb(number, size))


def _picture(read: Callable[[], bytes]) -> Response:
    try:
        return Response(read(), media_type="image/jpeg", headers=_FOREVER)
    except MimiqueError as error:
        status = 404 if isinstance(error, NotFoundError) else 400
        return JSONResponse(refusal(str(error), error.hint), status)
