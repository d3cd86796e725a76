"""Label Studio's JSON: a task a photo with a rectangle a face, or a task a crop with a choice.

Each person's votes are an annotation, each decision a prediction. Pictures are named as Label Studio's local
files (``LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT`` = the workspace's blobs folder). ``completed_by`` is not written:
Label Studio refuses a file that names people it does not know; names ride in each region's ``meta`` instead.
Source: https://labelstud.io/guide/task_format and https://labelstud.io/tags/rectanglelabels
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Literal
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import quoteattr

from label_ui.exchange import (
    BadLine,
    FaceName,
    LabelRow,
    LeftOut,
    NamesBy,
    Row,
    VoteRow,
    as_utc,
    box_of,
)
from label_ui.exchange_json import HOLE, JsonFile, finite, joined, json_form, to_json
from label_ui.exchange_marks import EXTRA_WORDS, MARK, carried, holdable, read_annotation, words_of
from label_ui.exchange_text import open_text

_LOCAL = "/data/local-files/?d="
_CONTROL = {"photo": ("expression", "photo", "rectanglelabels"), "crop": ("expression", "crop", "choices")}


class LabelStudioFormat:
    """Reads both kinds, also mixed and also made by others; writes the one it is made for."""

    suffixes: tuple[str, ...] = (".json",)
    holds_history: Literal[False] = False
    holds_labels = True
    names_by: NamesBy = "blob"

    def __init__(self, on: Literal["photo", "crop"] = "photo") -> None:
        self.name = "label-studio" if on == "photo" else "label-studio-crops"
        what = "a rectangle a face on the whole photo" if on == "photo" else "a choice for each crop"
        self.about = f"Label Studio tasks, {what}, an annotation a person"
        self._on = on

    def looks_like(self, head: str) -> bool:
        return self._on == "photo" and head.lstrip("\ufeff \t\r\n").startswith("[")

    def read(self, path: Path) -> Iterator[Row | BadLine]:
        with open_text(path) as file:
            for line, task in JsonFile(file, path.name).items():
                yield from _task_rows(task, line)

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        left_out = LeftOut()
        key = _photo_of if self._on == "photo" else _face_of
        file.write("[")
        for number, (_, rows_of_task) in enumerate(groupby(rows, key), start=1):
            held = [row for row in rows_of_task if holdable(row, left_out)]
            if held:
                file.write(("" if number == 1 else ",") + "\n" + _task(held, number, self._on))
        file.write("\n]\n")
        return left_out


def interface(name: str, classes: Sequence[str]) -> str:
    """The labelling interface (XML) that a Label Studio project needs for the tasks of the format of that name."""
    values = [quoteattr(value) for value in (*classes, *EXTRA_WORDS)]
    if name == "label-studio":
        labels = "".join(f"<Label value={value}/>" for value in values)
        control = f'<RectangleLabels name="expression" toName="photo">{labels}</RectangleLabels>'
        return f'<View><Image name="photo" value="$image"/>{control}</View>'
    options = "".join(f"<Choice value={value}/>" for value in values)
    control = f'<Choices name="expression" toName="crop" choice="multiple">{options}</Choices>'
    return f'<View><Image name="crop" value="$image"/>{control}</View>'


def _photo_of(row: Row) -> str:
    return row.face.photo_sha256


def _face_of(row: Row) -> tuple[str, int | None]:
    return row.face.photo_sha256, row.face.ordinal


def _task(rows: Sequence[Row], number: int, on: Literal["photo", "crop"]) -> str:
    """The JSON of a task about these rows."""
    face = rows[0].face
    picture = face.file if on == "photo" else f"{face.crop_sha256[:2]}/{face.crop_sha256}.jpg"
    data: dict[str, object] = {"image": _LOCAL + quote(picture), "photo_sha256": face.photo_sha256}
    if on == "crop":
        data |= {"crop_sha256": face.crop_sha256, "face": face.ordinal}
    by_voter: dict[str, list[VoteRow]] = {}
    for row in rows:
        if isinstance(row, VoteRow):
            by_voter.setdefault(row.voter, []).append(row)
    annotations = ",".join(_annotation(votes, on) for votes in by_voter.values())
    predictions = ",".join(_prediction(row, on) for row in rows if isinstance(row, LabelRow))
    told = f'{{"annotations":[{annotations}],"predictions":[{predictions}]}}'
    return joined(to_json({"id": number, "data": data}), told)


def _annotation(votes: Sequence[VoteRow], on: str) -> str:
    times = [vote.at for vote in votes if vote.at is not None]
    seconds = [vote.seconds for vote in votes if vote.seconds is not None]
    told = {
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": sum(seconds) if seconds else None,
        **({"created_at": max(times).isoformat()} if times else {}),
    }
    regions = ",".join(_region(vote, on) for vote in votes)
    return joined(f'{{"result":[{regions}]}}', to_json(told))


def _prediction(row: LabelRow, on: str) -> str:
    told = {"model_version": row.method, "score": row.confidence}
    return joined(to_json(told), f'{{"result":[{_region(row, on)}]}}')


def _region(row: Row, on: str) -> str:
    return _region_form(row.face, on) % (to_json(words_of(row)), carried(row))


@lru_cache(maxsize=1024)  # the rows of a photo, and so those of a face in it, stand together
def _region_form(face: FaceName, on: str) -> str:
    """The JSON of a face's regions, with a place for the words and one for what they carry."""
    control, picture, kind = _CONTROL[on]
    region: dict[str, object] = {
        "id": f"face{face.ordinal}-{face.crop_sha256[:10]}",
        "from_name": control,
        "to_name": picture,
        "type": kind,
        "origin": "manual",
        "value": {kind: HOLE},
        "meta": {MARK: HOLE},
    }
    if on == "photo" and face.xyxy is not None and face.size_wh is not None:
        width, height = face.size_wh
        x1, y1, x2, y2 = face.xyxy
        region |= {"original_width": width, "original_height": height, "image_rotation": 0}
        region["value"] = {
            "x": 100 * x1 / width,
            "y": 100 * y1 / height,
            "width": 100 * (x2 - x1) / width,
            "height": 100 * (y2 - y1) / height,
            "rotation": 0,
            kind: HOLE,
        }
    return json_form(region)


def _task_rows(task: Any, line: int) -> Iterator[Row | BadLine]:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        yield BadLine(line, "a task is an object with data")
        return
    picture = _picture(task["data"])
    for annotation in task.get("annotations") or task.get("completions") or ():
        yield from _annotation_rows(annotation, picture, line)
    for prediction in task.get("predictions") or ():
        yield from _prediction_rows(prediction, picture, line)


def _annotation_rows(annotation: Any, picture: FaceName, line: int) -> Iterator[Row | BadLine]:
    try:
        told = _told(annotation)
        regions = list(_regions(annotation["result"], picture))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield BadLine(line, f"an annotation cannot be read: {error!r}")
        return
    if annotation.get("was_cancelled"):
        yield _skip(picture, told, line)
        return
    if len(regions) != 1:
        told["seconds"] = None  # the time all faces of the picture took together
    for words, mark, face in regions:
        try:
            yield read_annotation(words, mark, face, line, told)
        except ValueError as error:
            yield BadLine(line, str(error))


def _prediction_rows(prediction: Any, picture: FaceName, line: int) -> Iterator[Row | BadLine]:
    try:
        for words, mark, face in _regions(prediction.get("result") or (), picture):
            row = read_annotation(words, mark, face, line, {})
            method, score = str(prediction.get("model_version") or "model"), prediction.get("score")
            if isinstance(row, VoteRow):
                row = LabelRow(face, words[0], {}, float(score or 0), 0, method, line=line)
            yield row
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield BadLine(line, f"a prediction cannot be read: {error!r}")


def _skip(picture: FaceName, told: Mapping[str, Any], line: int) -> VoteRow:
    voter = told["voter"]
    kind: Literal["person", "anonymous"] = "person" if voter else "anonymous"
    return VoteRow(picture, voter, "skip", seconds=told["seconds"], at=told["at"], kind=kind, line=line)


def _told(annotation: Mapping[str, Any]) -> dict[str, Any]:
    at, lead_time = annotation.get("created_at"), annotation.get("lead_time")
    return {
        "voter": _voter(annotation.get("completed_by")),
        "at": as_utc(at) if at else None,
        "seconds": None if lead_time is None else finite(lead_time),
    }


def _voter(who: Any) -> str:
    """Label Studio names people by number or by what it knows of them; "" when it does not say."""
    if isinstance(who, dict):
        name = f"{who.get('first_name') or ''} {who.get('last_name') or ''}".strip()
        return str(who.get("email") or name or _voter(who.get("id")))
    if isinstance(who, str):
        return who.strip()
    return "" if who is None else f"Label Studio user {int(who)}"


def _regions(result: Iterable[Any], picture: FaceName) -> Iterator[tuple[list[str], object, FaceName]]:
    """(labels, mark, face) of each region; choices made for a rectangle come before the rectangle's own labels."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for number, item in enumerate(result):
        if item["type"] not in ("rectanglelabels", "choices", "rectangle"):
            raise ValueError(f"{item['type']!r} is no rectangle and no choice")
        found.setdefault(str(item.get("id", number)), []).append(item)
    for items in found.values():
        chosen = [word for item in items for word in item["value"].get("choices", ())]
        labels = [word for item in items for word in item["value"].get("rectanglelabels", ())]
        meta = items[0].get("meta")
        yield chosen or labels, meta.get(MARK) if isinstance(meta, dict) else None, _face(items[0], picture)


def _face(item: Mapping[str, Any], picture: FaceName) -> FaceName:
    value = item["value"]
    if "x" not in value:
        return picture
    width, height = item.get("original_width") or 1, item.get("original_height") or 1
    x1, y1 = finite(value["x"]) * width / 100, finite(value["y"]) * height / 100
    x2, y2 = x1 + finite(value["width"]) * width / 100, y1 + finite(value["height"]) * height / 100
    box, size = box_of(x1, y1, x2, y2), (int(width), int(height))
    return FaceName(picture.photo_sha256, None, "", box, size, picture.file)


def _picture(data: Mapping[str, Any]) -> FaceName:
    """The picture a task shows: by its hashes where they are given, else by its address."""
    hashes = [
        value if isinstance(value := data.get(f"{what}_sha256"), str) else "" for what in ("photo", "crop")
    ]
    ordinal = data.get("face")
    place = ordinal if isinstance(ordinal, int) else None
    return FaceName(hashes[0], place, hashes[1], file=_file(_address(data)))


def _address(data: Mapping[str, Any]) -> str:
    named = (data.get(name) for name in ("image", "photo", "img", "url", "file", "filename"))
    return next((value for value in (*named, *data.values()) if isinstance(value, str) and value), "")


def _file(address: str) -> str:
    parts = urlsplit(address)
    return parse_qs(parts.query).get("d", [""])[0] or (parts.path if parts.scheme else address)
