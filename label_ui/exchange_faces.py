"""Which face of the store a file means: by content first, then by the picture's name and the face's box in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from curate.nms import overlaps
from db.records.faces import XYXY, Face
from db.store import Store
from label_ui.exchange import FaceName

SAME_BOX = 0.5  # boxes that overlap by this share of their union are one face
_SHORT = 12  # exports name crops by so many digits of their hash
_HASH = re.compile(r"[0-9a-f]{64}")
_SHORT_HASH = re.compile(r"[0-9a-f]{12,64}")
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # Label Studio's mark before an uploaded file's name


class UnknownFaceError(Exception):
    """The store has no such face; the message says why, in few words that many rows share."""


class FaceIndex:
    """The faces of a store as they are now; about 1 kB of memory a face.

    ``files`` tells the SHA-256 of more pictures by name: of exact copies the store keeps one name. A part of a
    stored name that is a bare number names nothing (``1`` is not the photo ``0/1``, nor ``a/1.jpg``), but a picture
    of ``files``, given for the very file that is read, may be called so, and by its hash.
    """

    def __init__(self, store: Store, files: Mapping[str, str] | None = None) -> None:
        self._store, self._more_files = store, files or {}
        self._more_photos = frozenset(self._more_files.values())
        self._by_photo: dict[str, list[Face]] = {}
        self._by_crop: dict[str, list[Face]] = {}
        for face in store.faces.all():
            self._by_photo.setdefault(face.photo_sha256, []).append(face)
            self._by_crop.setdefault(face.crop_sha256[:_SHORT], []).append(face)
        self._photo_of_file: dict[str, str | None] | None = None
        self._sizes: dict[str, tuple[int, int]] = {}

    def find(self, name: FaceName) -> Face:
        """The face of that name. Errors: UnknownFaceError."""
        if name.photo_sha256 in self._by_photo:
            return self._in_photo(name, self._by_photo[name.photo_sha256])
        if name.crop_sha256:
            crops = self._by_crop.get(name.crop_sha256[:_SHORT], ())
            exact = [face for face in crops if face.crop_sha256 == name.crop_sha256]
            if len(exact) == 1:
                return exact[0]
        if name.file:
            return self._by_file(name)
        raise UnknownFaceError("no such picture is here")

    def photo_named(self, file: str) -> str | None:
        """The hash of the photo a file name means, with or without faces. Errors: UnknownFaceError if several."""
        for key in _keys(file):
            if _HASH.fullmatch(key) and (key in self._photos() or key in self._more_photos):
                return key
            if key in self._files():
                found = self._files()[key]
                if found is None:
                    raise UnknownFaceError("several pictures have that name")
                return found
        return None

    def _in_photo(self, name: FaceName, faces: Sequence[Face]) -> Face:
        if name.ordinal is not None:
            for face in faces:
                if face.ordinal == name.ordinal and name.crop_sha256 in ("", face.crop_sha256):
                    return face
        if name.crop_sha256:
            for face in faces:
                if face.crop_sha256 == name.crop_sha256:
                    return face
        if name.xyxy is not None:
            return self._by_box(name, faces)
        if len(faces) == 1 and name.ordinal is None:
            return faces[0]
        raise UnknownFaceError(
            "the picture has several faces" if len(faces) > 1 else "the face is another one now"
        )

    def _by_box(self, name: FaceName, faces: Sequence[Face]) -> Face:
        assert name.xyxy is not None
        size = self._photos()[faces[0].photo_sha256]
        wanted = shares(name.xyxy, name.size_wh or size)
        near = overlaps(np.array([wanted]), np.array([shares(face.xyxy, size) for face in faces]))[0]
        best = int(near.argmax())
        if near[best] < SAME_BOX:
            raise UnknownFaceError("no face of the picture is near that box")
        return faces[best]

    def _by_file(self, name: FaceName) -> Face:
        photo = self.photo_named(name.file)
        if photo in self._by_photo:
            return self._in_photo(name, self._by_photo[photo])
        for key in _keys(name.file):
            if _SHORT_HASH.fullmatch(key):
                crops = [f for f in self._by_crop.get(key[:_SHORT], ()) if f.crop_sha256.startswith(key)]
                if len(crops) == 1:
                    return crops[0]
        raise UnknownFaceError("no such picture is here" if photo is None else "the picture has no faces")

    def _photos(self) -> dict[str, tuple[int, int]]:
        if not self._sizes:
            self._sizes = {photo.sha256: (photo.width, photo.height) for photo in self._store.photos.all()}
        return self._sizes

    def _files(self) -> dict[str, str | None]:
        """Photo by what its file is called: whole path, name, and name without suffix; None if several are."""
        if self._photo_of_file is None:
            sha256 = {photo.id: photo.sha256 for photo in self._store.photos.all()}
            self._photo_of_file = {}
            for photo_id, origin in self._store.photos.origins():
                for file in (origin.title, origin.native_id):
                    _note(self._photo_of_file, _telling_keys(file), sha256[photo_id])
            for file, photo in self._more_files.items():
                _note(self._photo_of_file, _own_keys(file), photo)
        return self._photo_of_file


def shares(xyxy: XYXY, size_wh: tuple[int, int]) -> XYXY:
    """The box as shares of the picture's width and height."""
    width, height = size_wh
    return (xyxy[0] / width, xyxy[1] / height, xyxy[2] / width, xyxy[3] / height)


def _note(files: dict[str, str | None], keys: Iterable[str], photo_sha256: str) -> None:
    for key in keys:
        if files.setdefault(key, photo_sha256) != photo_sha256:
            files[key] = None


def _keys(file: str) -> Iterator[str]:
    """What to look for, the most telling first: the path, its name, its stem, and without an upload's mark."""
    yield from _own_keys(file)
    name = PurePosixPath(file.replace("\\", "/")).name
    if _UPLOADED.match(name):
        yield from _own_keys(_UPLOADED.sub("", name, count=1))


def _own_keys(file: str) -> Iterator[str]:
    path = PurePosixPath(file.replace("\\", "/"))
    yield from dict.fromkeys((str(path), path.name, path.stem))


def _telling_keys(file: str) -> Iterator[str]:
    """The whole of it, and its name and stem unless they are just digits."""
    whole, *parts = _own_keys(file)
    yield from (whole, *(part for part in parts if not part.isdecimal()))
