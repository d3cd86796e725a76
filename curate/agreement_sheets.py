"""The figures of agreement as plain rows: for CSV files, JSON, and whoever shows them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from curate.agreement import Agreement
from curate.intervals import Bounds
from db.whole_file import check_not_read

Cell = str | int | float | None
Row = dict[str, Cell]
Names = Callable[[int], str]


def summary(found: Agreement) -> Row:
    """The headline figures, one cell each; None where the votes do not give one."""
    seen, more = found.reliability, found.one_more_vote
    return {
        "faces": seen.faces,
        "shared_faces": seen.shared,
        "votes": seen.votes,
        "people": len(found.voters),
        "pairs": seen.pairs,
        **_figure("agreement", seen.agreement, seen.agreement_bounds),
        **_figure(
            "two_people_agree",
            found.kinds.best.two_agree if found.kinds else None,
            found.kinds.two_agree_bounds if found.kinds else None,
        ),
        **_figure("alpha", seen.alpha, seen.alpha_bounds),
        "alpha_verdict": seen.verdict,
        "fleiss_kappa": seen.kappa,
        **_figure("ceiling", found.ceiling.overall.share, found.ceiling.overall.bounds),
        "held_out": found.ceiling.overall.held_out,
        "vote_right": more.skill,
        "labels_right": more.expected,
        "gain_in_faces": more.gain_in_faces if more.skill is not None else None,
    }


def answer_rows(found: Agreement) -> list[Row]:
    """One row an answer: how often it is given, how often others then say it too, and its human ceiling."""
    given = found.votes.alike.times @ found.votes.alike.counts
    met, rows = found.confusion.coincidences, []
    for place, name in enumerate(found.votes.names):
        others = float(met[place].sum())
        row: Row = {
            "answer": name,
            "votes": int(given[place]),
            "share": int(given[place]) / len(found.votes) if len(found.votes) else None,
            "others_agree": float(met[place, place]) / others if others > 0 else None,
        }
        human = found.ceiling.by_class.get(name)
        bounds = human.bounds if human else None
        rows.append(
            {
                **row,
                "ceiling_faces": human.faces if human else None,
                **_figure("ceiling", human.share if human else None, bounds),
                "held_out": human.held_out if human else None,
            }
        )
    return rows


def confusion_rows(found: Agreement) -> list[Row]:
    """One row an answer of one person: the share of every answer among the others' on the same face."""
    names = found.confusion.names
    return [
        {"one_says": name, **{other: float(share) for other, share in zip(names, shares, strict=True)}}
        for name, shares in zip(names, found.confusion.shares, strict=True)
    ]


def mix_up_rows(found: Agreement) -> list[Row]:
    """Two classes a row, least told apart first."""
    return [
        {
            "first": mixed.first,
            "second": mixed.second,
            "votes": round(mixed.votes, 1),
            "split": mixed.split,
            **_figure("alpha", mixed.alpha, mixed.bounds),
            "verdict": mixed.verdict,
        }
        for mixed in found.mix_ups
    ]


def voter_rows(found: Agreement, name: Names) -> list[Row]:
    """A voter a row, most votes first."""
    rows: list[Row] = []
    for voter in sorted(found.voters, key=lambda voter: (-voter.votes, voter.person)):
        drift = voter.drift
        rows.append(
            {
                "voter": name(voter.person),
                "votes": voter.votes,
                "share": voter.share,
                "compared": voter.skill.votes,
                **_figure("skill", voter.skill.share, voter.skill.bounds),
                "kappa": voter.kappa,
                "gold_votes": voter.gold.votes,
                **_figure("gold", voter.gold.share, voter.gold.bounds),
                "median_s": voter.median_s,
                "hurried": voter.hurried,
                **_figure("drift", drift.change if drift else None, drift.bounds if drift else None),
                "drift_verdict": drift.verdict if drift else None,
            }
        )
    return rows


def pair_rows(found: Agreement, name: Names) -> list[Row]:
    """Two people a row, least agreement first."""
    return [
        {
            "first": name(pair.first),
            "second": name(pair.second),
            "faces": pair.faces,
            **_figure("agreement", pair.agreement, pair.bounds),
            "cohens_kappa": pair.kappa,
        }
        for pair in found.pairs
    ]


def stage_rows(found: Agreement) -> list[Row]:
    """A way in which a face's votes stand a row ("2–1": two for one answer, one for another), most gain first."""
    return [
        {
            "votes_so_far": "–".join(map(str, stage.standing)) or "0",
            "faces": stage.faces,
            "right": stage.right,
            "changes": stage.changes,
            "gain": stage.gain,
        }
        for stage in found.one_more_vote.stages
    ]


def face_rows(found: Agreement, name: Names, most: int | None = None) -> list[Row]:
    """A face with votes a row, most gain of one more vote first, at most ``most`` of them."""
    more = found.one_more_vote
    if more.skill is None:
        return []
    first = np.lexsort((more.face_ids, more.right, -more.gain.round(9)))[:most]
    return [
        {
            "face": name(int(more.face_ids[i])),
            "right": float(more.right[i]),
            "changes": float(more.changes[i]),
            "gain": float(more.gain[i]),
        }
        for i in first
    ]


def sheets(found: Agreement, person: Names, face: Names = str) -> Mapping[str, Sequence[Row]]:
    """All of them by name; ``person`` and ``face`` give the names that go with ids."""
    return {
        "summary": [summary(found)],
        "answers": answer_rows(found),
        "confusion": confusion_rows(found),
        "mix_ups": mix_up_rows(found),
        "voters": voter_rows(found, person),
        "pairs": pair_rows(found, person),
        "one_more_vote": stage_rows(found),
        "faces": face_rows(found, face),
    }


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV with a header, figures to six digits; a spreadsheet runs no cell of it. No rows: empty."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_inert(name) for name in rows[0]])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def write_sheets(
    all_sheets: Mapping[str, Sequence[Row]], folder: Path, votes: Path | None = None
) -> list[Path]:
    """One CSV file a sheet, written over what was there; gives their paths.

    Errors: InputError, before anything is written, when one would be written over the file of ``votes``.
    """
    paths = {name: folder / f"{name}.csv" for name in all_sheets}
    for path in paths.values():
        check_not_read(path, *([votes] if votes else []), told="the file of votes", option="--csv")
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        path.write_text(as_csv(all_sheets[name]), encoding="utf-8")
    return list(paths.values())


def _figure(name: str, value: float | None, bounds: Bounds | None) -> Row:
    low, high = bounds if bounds is not None and value is not None else (None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else _inert(str(value))


def _inert(text: str) -> str:
    """A text that a spreadsheet would take for a formula is quoted, as OWASP advises on CSV injection."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
