"""Deciding a file of votes without a workspace: good files, bad lines, and what is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.answers import read_answers
from curate.cli import main
from curate.label_file import COLUMNS, decide_file
from db.errors import InputError

HEADER = "question,worker,answer\n"


def write(folder: Path, text: str | bytes, name: str = "answers.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def labels(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def consensus(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["consensus", *map(str, arguments)])


def test_a_file_of_votes_becomes_a_file_of_labels_in_its_order(tmp_path: Path) -> None:
    votes = write(tmp_path, HEADER + "q2,ann,cat\nq1,ann,dog\nq2,bob,cat\nq1,bob,dog\nq1,cy,cat\n")
    done = consensus("--votes", votes, "--rule", "plurality", "--out", tmp_path / "labels.csv")
    assert done.exit_code == 0
    assert done.stdout.startswith("2 questions, 5 votes, 3 workers, 2 labelled")
    first, second = labels(tmp_path / "labels.csv")
    assert tuple(first)[:3] == ("question", "label", "confidence") and tuple(first)[:6] == COLUMNS
    assert (first["question"], first["label"], first["votes"], first["rule"]) == (
        "q2",
        "cat",
        "2",
        "plurality",
    )
    assert (second["label"], float(second["p_dog"])) == ("dog", pytest.approx(2 / 3, abs=1e-5))


@pytest.mark.parametrize("rule", ["auto", "majority", "dawid-skene"])
def test_without_out_the_labels_go_to_the_terminal_and_the_tally_beside_them(
    tmp_path: Path, rule: str
) -> None:
    done = consensus("--votes", write(tmp_path, HEADER + "1,a,x\n1,b,x\n"), "--rule", rule)
    assert next(csv.DictReader(done.stdout.splitlines()))["label"] == "x"
    assert "1 questions, 2 votes" in done.stderr


def test_bad_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = HEADER + "1,a,x\n1,b\n,a,x\n2,a,\n\n1,a,y\n2,b,x\n"
    done = consensus("--votes", write(tmp_path, text), "--out", tmp_path / "labels.csv")
    assert [row["question"] for row in labels(tmp_path / "labels.csv")] == ["1", "2"]
    told = [line.partition("answers.csv, ")[2] for line in done.stderr.splitlines()]
    assert told == [
        "line 3: 2 columns where the first line has 3; left out",
        "line 4: the question is empty; left out",
        "line 5: the answer is empty; left out",
        "line 7: this worker has answered this question before; left out",
    ]
    assert labels(tmp_path / "labels.csv")[0]["label"] == "x"


def test_many_bad_lines_are_counted_not_listed(tmp_path: Path) -> None:
    done = consensus(
        "--votes", write(tmp_path, HEADER + "1,a\n" * 500 + "1,a,x\n"), "--json", "--out", tmp_path / "o"
    )
    assert len(done.stderr.splitlines()) == 21 and "480 more lines" in done.stderr
    assert json.loads(done.stdout) == {
        "questions": 1, "votes": 1, "workers": 1, "labelled": 1, "without a label": 0, "lines left out": 500,
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffquestion,worker,answer\né,ann,joie\n".encode(),
        "question;worker;answer\né;ann;joie\n".encode(),
        "question\tworker\tanswer\r\né\tann\tjoie\r\n".encode(),
        "question,worker,answer\né,ann,joie\n".encode("cp1252"),
        "question,worker,answer\né,ann,joie\n".encode("utf-16"),
        'Answer,Note,"Question",WORKER\njoie,"a, b",é,ann\n'.encode(),
        "task,worker,label\né,ann,joie\n".encode(),
    ],
    ids=["mark", "semicolons", "tabs", "cp1252", "utf-16", "other order", "crowd-kit"],
)
def test_files_as_people_have_them_are_read(tmp_path: Path, content: bytes) -> None:
    answers = read_answers(write(tmp_path, content))
    assert (answers.questions, answers.workers, answers.table.classes) == (("é",), ("ann",), ("joie",))
    assert answers.bad == ()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("a,b,c\n1,2,3\n", "no column 'question'"),
        ("question,answer\n1,x\n", "no column 'worker'"),
        ("question,worker\n1,x\n", "no column 'answer'"),
    ],
)
def test_a_file_that_names_no_columns_is_refused_in_one_line(tmp_path: Path, content: str, told: str) -> None:
    done = consensus("--votes", write(tmp_path, content))
    assert done.exit_code == 1 and told in done.stderr and "question,worker,answer" in done.stderr


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read" in consensus("--votes", tmp_path / "none.csv").stderr
    assert consensus("--votes", tmp_path).exit_code == 2


@pytest.mark.parametrize("content", [HEADER, "image,happy,sad\n", HEADER + ",,\n"])
def test_no_votes_give_a_file_with_a_header(tmp_path: Path, content: str) -> None:
    done = decide_file(write(tmp_path, content), tmp_path / "labels.csv")
    assert (done.questions, done.votes, done.labelled) == (0, 0, 0)
    assert (tmp_path / "labels.csv").read_text().startswith("question,label,confidence")


def test_counts_as_ferplus_has_them(tmp_path: Path) -> None:
    text = (
        "Usage,Image name,neutral,happiness,unknown,NF\n"
        "Training,a.png,1,9,0,0\nTraining,b.png,0,0,0,10\nTraining,c.png,5,5,0,0\nTraining,d.png,0,0,10,0\n"
        "Training,,1,0,0,0\nTraining,a.png,1,0,0,0\nTest,e.png,x,0,0,0\nTest,f.png,-1,0,0,0\nTest,g.png,0,0,0,0\n"
    )
    done = consensus("--votes", write(tmp_path, text), "--out", tmp_path / "o.csv", "--rule", "plurality")
    rows = {row["question"]: row for row in labels(tmp_path / "o.csv")}
    assert {name: (row["label"], row["reason"]) for name, row in rows.items() if name != "c.png"} == {
        "a.png": ("happiness", ""),
        "b.png": ("", "not_a_face"),
        "d.png": ("", "no agreement"),
    }
    assert rows["c.png"]["label"] in ("neutral", "happiness") and rows["a.png"]["votes"] == "10"
    assert [line.partition("line ")[2] for line in done.stderr.splitlines()] == [
        "6: the question is empty; left out",
        "7: this question has a line already; left out",
        "8: 'x' is not a count; left out",
        "9: '-1' is not a count; left out",
    ]


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    votes = write(tmp_path, HEADER)
    assert "--votes" in consensus("--out", tmp_path / "o").stderr
    assert "--run" in consensus("--votes", votes, "--run", "x").stderr
    assert "no consensus rule 'best'" in consensus("--votes", votes, "--rule", "best").stderr


def test_a_folder_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    votes = write(tmp_path, HEADER + "1,a,x\n")
    with pytest.raises(InputError, match="cannot be written"):
        decide_file(votes, tmp_path / "nowhere" / "labels.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]


rows = st.lists(
    st.tuples(st.sampled_from("pqrst"), st.sampled_from("abc"), st.sampled_from("xyz")),
    unique_by=lambda row: row[:2],
    max_size=15,
)


@settings(deadline=None, max_examples=40)
@given(
    rows.flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))), st.sampled_from(["auto", "plurality"])
)
def test_the_order_of_lines_changes_no_label(
    tmp_path_factory: pytest.TempPathFactory, both: tuple[list[tuple[str, ...]], ...], rule: str
) -> None:
    folder = tmp_path_factory.mktemp("order")
    found = []
    for name, lines in zip(("one", "two"), both, strict=True):
        votes = write(folder, HEADER + "".join(",".join(line) + "\n" for line in lines), name)
        decide_file(votes, folder / f"{name}.csv", rule)
        found.append(sorted(tuple(row.items()) for row in labels(folder / f"{name}.csv")))
    assert found[0] == found[1]


@pytest.mark.parametrize(("name", "best"), [("dog", 0.843), ("bluebirds", 0.889)])
def test_on_real_crowds_the_default_is_as_good_as_the_best_of_crowd_kits(
    shared: Path, tmp_path: Path, name: str, best: float
) -> None:
    folder = shared / "data" / "crowd" / name
    decide_file(folder / "answer.csv", tmp_path / "labels.csv")
    truth = {row["question"]: row["truth"] for row in labels(folder / "truth.csv")}
    found = {row["question"]: row["label"] for row in labels(tmp_path / "labels.csv")}
    assert sum(found[question] == answer for question, answer in truth.items()) / len(truth) > best - 0.005
