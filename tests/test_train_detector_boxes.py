"""What a detector learns from: boxes files and photos of every kind, whole and damaged; who may see which."""

import zipfile

import cv2
import numpy as np
import pytest

from db.errors import InputError
from train.detector_boxes import held_out, read_boxes
from train.detector_photos import PhotoFiles, drawn_photos, drawn_places, read_face_photos

HELD_OUT = ["0.png", "7.png", "9.png"]
HEAD = "image,width,height,x1,y1,x2,y2\n"


def write(folder, text, name="boxes.csv"):
    (folder / name).write_text(text)
    return folder / name


def picture(width=6, height=4, suffix=".png"):
    return cv2.imencode(suffix, np.full((height, width, 3), (0, 0, 255), np.uint8))[1].tobytes()


@pytest.fixture
def photos(tmp_path):
    """A folder of twelve pictures 0.png to 11.png of 8×8 px; 0, 7 and 9 belong to the held-out fold."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for n in range(12):
        (folder / f"{n}.png").write_bytes(picture(8, 8))
    return folder


def test_bad_rows_are_reported_with_their_line_and_the_rest_is_read(tmp_path):
    rows = [
        "a.jpg,100,80,10,10,30,40",
        "a.jpg,100,80,30,10,10,40",
        "",
        "a.jpg,100,80,120,10,140,40",
        "a.jpg,100,80,nan,10,20,40",
        "a.jpg,100,80,ten,10,20,40",
        "a.jpg,100,80,1",
        "a.jpg,100,80,10,10,30,40",
        ",100,80,10,10,30,40",
        "b.jpg,0,80,10,10,30,40",
        "b.jpg,100,80,90,70,130,99",
    ]
    table = read_boxes(write(tmp_path, HEAD + "\n".join(rows)))
    assert table.boxes["a.jpg"].tolist() == [[10, 10, 30, 40]]
    assert table.boxes["b.jpg"].tolist() == [[90, 70, 100, 80]]
    lines = [problem.split(": ", 1) for problem in table.problems]
    assert [where for where, _ in lines] == [f"boxes.csv, line {n}" for n in (3, 5, 6, 7, 8, 9, 10, 11)]
    expected = [
        "corners swapped",
        "outside the photo",
        "numbers",
        "numbers",
        "numbers",
        "same box as in line 2",
    ]
    for (_, what), word in zip(lines, [*expected, "no photo is named", "numbers"], strict=True):
        assert word in what, what


def test_a_photo_whose_rows_are_all_bad_stays_as_one_without_faces(tmp_path):
    table = read_boxes(write(tmp_path, HEAD + "a.jpg,100,80,30,10,10,40\nb.jpg,100,80,,,,\n"))
    assert table.boxes["a.jpg"].shape == table.boxes["b.jpg"].shape == (0, 4)
    assert len(table.problems) == 1


def test_columns_may_come_in_any_order_and_sizes_may_be_absent(tmp_path):
    table = read_boxes(write(tmp_path, "\ufeffy2,x1,y1,x2,image\n40,10,20,30,a.jpg\n"))
    assert table.boxes["a.jpg"].tolist() == [[10, 20, 30, 40]]


def test_half_a_photos_size_is_taken_for_none(tmp_path):
    table = read_boxes(write(tmp_path, HEAD + "a.jpg,,80,10,20,30,40\n"))
    assert not table.sizes_wh and not table.problems and len(table.boxes["a.jpg"]) == 1


def test_wider_faces_own_annotation_is_read_without_its_invalid_faces(tmp_path):
    text = (
        "0--P/a 1.jpg\n2\n10 20 30 40 0 0 0 0 0 0\n1 2 3 4 0 0 0 1 0 0\n"
        "0--P/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"
        "0--P/c.jpg\n1\n5 5 0 9 0 0 0 0 0 0\n0--P/d.jpg\n2\n1 1 4 4 0 0 0 0 0 0\n"
    )
    table = read_boxes(write(tmp_path, text, "wider_face_val_bbx_gt.txt"))
    assert table.boxes["0--P/a 1.jpg"].tolist() == [[10, 20, 40, 60]]
    assert len(table.boxes["0--P/b.jpg"]) == len(table.boxes["0--P/c.jpg"]) == 0
    assert [problem.split(": ")[0].split()[-1] for problem in table.problems] == ["10", "13"]
    assert "no area" in table.problems[0] and "expected 2 faces, got 1" in table.problems[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no usable box"),
        ("hello\n", "line 1: neither a CSV"),
        (HEAD, "holds no usable box"),
        (HEAD + "a.jpg,100,80,x,1,2,3\n", "no usable box; the first problem is: boxes.csv, line 2"),
        ("image,x1\na.jpg,3\n", "no column y1, x2, y2: expected image,width"),
    ],
)
def test_a_file_without_one_usable_row_is_a_clear_error_with_a_hint(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read_boxes(write(tmp_path, text))
    assert "one line a face" in caught.value.hint


def test_a_boxes_file_that_is_not_there_or_a_folder_is_a_clear_error(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_boxes(path)


def test_a_fifth_of_the_names_is_held_out_and_it_never_changes():
    names = [f"{n}.jpg" for n in range(1000)]
    assert 160 < sum(held_out(name) for name in names) < 240
    assert [name for name in names[:12] if held_out(name)] == ["9.jpg", "11.jpg"]


@pytest.mark.parametrize("root", ["", "photos/", "WIDER_val/images/"])
def test_photos_are_found_under_any_one_folder_of_a_folder_or_zip(tmp_path, root):
    names = ["0--Parade/a.png", "1--Crowd/b.png"]
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name in [*names, "other/0--Parade/a.png"]:
            file = tmp_path / "data" / root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture())
            archive.writestr(root + name, picture())
    for data in (tmp_path / "data", tmp_path / "photos.zip"):
        files = PhotoFiles(data, [*names, "2--Gone/c.png"])
        assert files.read("0--Parade/a.png") == files.read("1--Crowd/b.png") == picture()
        with pytest.raises(InputError, match="no such photo"):
            files.read("2--Gone/c.png")


def test_data_that_is_neither_a_folder_nor_a_zip_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        PhotoFiles(write(tmp_path, "nothing"))


def test_missing_damaged_and_resized_photos_are_named_and_the_rest_is_read(photos, tmp_path):
    (photos / "1.png").unlink()
    (photos / "2.png").write_bytes(b"no picture")
    (photos / "3.png").write_bytes(b"")
    (photos / "4.png").write_bytes(picture(16, 8))
    rows = "".join(f"{n}.png,8,8,1,1,5,5\n" for n in range(12))
    read = read_face_photos(photos, write(tmp_path, HEAD + rows))
    assert len(read.training) == 5 and [photo.name for photo in read.held_out] == HELD_OUT
    told = dict(problem.split(": ", 1) for problem in read.problems)
    assert told.keys() == {"1.png", "2.png", "3.png", "4.png"}
    assert "no such photo" in told["1.png"]
    assert "expected 8×8 pixels as in the boxes file, got 16×8" in told["4.png"]


def test_boxes_outside_a_photo_whose_size_the_file_does_not_tell_are_left_out(photos, tmp_path):
    boxes = write(tmp_path, "image,x1,y1,x2,y2\n1.png,1,1,12,5\n2.png,9,1,12,5\n")
    read = read_face_photos(photos, boxes)
    assert [photo.xyxy.tolist() for photo in read.training] == [[[1, 1, 8, 5]], []]
    assert read.problems == ("2.png: outside the photo: expected a box within 8×8, got 9,1,12,5",)


def test_no_usable_photo_is_a_clear_error_that_names_the_first_problem(photos, tmp_path):
    boxes = write(tmp_path, HEAD + "x.png,8,8,1,1,5,5\n")
    with pytest.raises(InputError, match=r"none of the 1 photos .* x\.png: no such photo") as caught:
        read_face_photos(photos, boxes)
    assert "names in the boxes file" in caught.value.hint


def test_training_photos_leave_the_held_out_fold_alone(photos, tmp_path):
    boxes = write(tmp_path, HEAD + "".join(f"{n}.png,8,8,1,1,5,5\n" for n in range(12)))
    read = read_face_photos(photos, boxes)
    training = read.training
    assert len(training) == sum(not held_out(name) for name in read.table.boxes)
    free = read_face_photos(photos, boxes, photos)
    assert len(free.training) == 2 * len(training)
    assert not any(len(photo.xyxy) for photo in free.training[len(training) :])


def test_the_hash_of_a_data_set_is_that_of_its_content(photos, tmp_path):
    rows = [f"{n}.png,8,8,1,1,5,5\n" for n in range(3)]
    one = read_face_photos(photos, write(tmp_path, HEAD + "".join(rows)))
    other = read_face_photos(photos, write(tmp_path, HEAD + "".join(reversed(rows)), "other.csv"))
    assert one.hash == other.hash == one.snapshot().hash
    (photos / "0.png").write_bytes(picture(8, 8, ".jpg"))
    assert read_face_photos(photos, write(tmp_path, HEAD + "".join(rows))).hash != one.hash


def test_drawn_photos_have_boxes_and_points_and_drawn_places_have_none():
    one, other = drawn_photos(2, 3)
    assert one.image.shape != other.image.shape or (one.image != other.image).any()
    assert len(one.xyxy) and one.known_points().shape == (len(one.xyxy), 5, 3)
    for box, points in zip(one.xyxy, one.known_points(), strict=True):
        assert ((points[:, :2] > box[:2]) & (points[:, :2] < box[2:])).all()
    (place,) = drawn_places(1, 3)
    assert place.image.dtype == np.uint8 and place.xyxy.shape == (0, 4)
