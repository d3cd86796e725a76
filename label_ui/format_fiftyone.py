"""FiftyOne's own detection data set: ``labels.json``, a detection for each vote and one for each decision.

    fo.Dataset.from_dir(dataset_type=fo.types.FiftyOneImageDetectionDataset,
                        data_path="workspace/blobs", labels_path="labels.json")

Keys are pictures in the blobs folder without their suffix; boxes are x, y, width, height as shares of the photo;
attributes become fields of the detection (``voter``, ``kind`` = "vote" or "label", ``seconds``).
Source: https://docs.voxel51.com/user_guide/import_datasets.html (FiftyOneImageDetectionDataset)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from label_ui.exchange import BadLine, FaceName, LabelRow, LeftOut, NamesBy, Row, box_of
from label_ui.exchange_json import JsonFile, finite, to_json
from label_ui.exchange_marks import EXTRA_WORDS, MARK, carried_text, holdable, read_annotation, word_of
from label_ui.exchange_text import open_text


class FiftyOneFormat:
    """``{"classes": […], "labels": {picture: [detection, …]}}``; a detection without a voter is an unnamed person's."""

    name = "fiftyone"
    suffixes: tuple[str, ...] = (".json",)
    about = "FiftyOneImageDetectionDataset (labels.json), a detection a vote"
    holds_history: Literal[False] = False
    holds_labels = True
    names_by: NamesBy = "blob"

    def looks_like(self, head: str) -> bool:
        text = head.lstrip("\ufeff \t\r\n")
        return text.startswith("{") and '"labels"' in text and '"action"' not in text.split("\n", 1)[0]

    def read(self, path: Path) -> Iterator[Row | BadLine]:
        classes: Any = None
        with open_text(path) as file:
            text = JsonFile(file, path.name)
            for key in text.entries():
                if key != "labels":
                    value = text.value()
                    classes = value if key == "classes" else classes
                    continue
                for picture in text.entries():
                    line = text.line
                    yield from _picture_rows(picture, text.value(), classes, line)

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        left_out = LeftOut()
        file.write('{"classes": ' + to_json([*classes, *EXTRA_WORDS]) + ',\n"labels": {')
        comma = ""
        for _, of_photo in groupby(rows, key=lambda row: row.face.photo_sha256):
            held = [row for row in of_photo if holdable(row, left_out)]
            if held:
                name = PurePosixPath(held[0].face.file).with_suffix("").as_posix()
                file.write(f"{comma}\n{to_json(name)}: {to_json([_detection(row) for row in held])}")
                comma = ","
        file.write("\n}}\n")
        return left_out


def _detection(row: Row) -> dict[str, object]:
    width, height = row.face.size_wh or (1, 1)
    x1, y1, x2, y2 = row.face.xyxy or (0.0, 0.0, 1.0, 1.0)
    attributes: dict[str, object] = {MARK: carried_text(row)}
    if isinstance(row, LabelRow):
        attributes |= {"kind": "label", "method": row.method}
    else:
        attributes |= {"kind": "vote", "voter": row.voter, "seconds": row.seconds}
    return {
        "label": word_of(row),
        "bounding_box": [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height],
        **({"confidence": row.confidence} if isinstance(row, LabelRow) else {}),
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    }


def _picture_rows(picture: str, detections: Any, classes: Any, line: int) -> Iterator[Row | BadLine]:
    if detections is not None and not isinstance(detections, list):
        yield BadLine(line, f"{picture}: expected a list of detections, got {json.dumps(detections)[:60]}")
        return
    for detection in detections or ():
        try:
            yield _row(picture, detection, classes, line)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            yield BadLine(line, f"{picture}: a detection cannot be read: {error!r}")


def _row(picture: str, detection: Mapping[str, Any], classes: Sequence[str] | None, line: int) -> Row:
    label = detection["label"]
    word = classes[label] if classes and isinstance(label, int) else str(label)
    x, y, width, height = (finite(share) for share in detection["bounding_box"])
    face = FaceName(file=picture, xyxy=box_of(x, y, x + width, y + height), size_wh=(1, 1))
    attributes = detection.get("attributes") or {}
    told = {"voter": attributes.get("voter"), "seconds": attributes.get("seconds")}
    return read_annotation([word], attributes.get(MARK), face, line, told)
