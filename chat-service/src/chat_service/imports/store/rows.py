"""Rows of imports into what they stand for."""

from typing import Any, Final

from chat_service.imports.domain.job import Import, ImportState, Problem, Report

SHOWN: Final = (
    "id, name, state, size, format, done, added, existing, skipped, messages, personas, notes, files, left_out,"
    " problems, reason, created_at, ended_at, waits_for"
)


# In the column beside what was left out, which has it from before they were told apart.
_THERE: Final = "_EXISTS"


def counts_of(report: Report) -> dict[str, int]:
    """What is kept in the column `left_out`."""
    there = {f"{what}{_THERE}": count for what, count in report.already_there.items()}
    return {**report.left_out, **there}


def to_import(row: Any) -> Import:
    there = {reason for reason in row.left_out if reason.endswith(_THERE)}
    return Import(
        id=row.id,
        name=row.name,
        state=ImportState(row.state),
        size=row.size,
        format=row.format,
        done=row.done,
        report=Report(
            added=row.added,
            existing=row.existing,
            skipped=row.skipped,
            messages=row.messages,
            personas=row.personas,
            notes=row.notes,
            files=row.files,
            left_out={
                reason: count for reason, count in row.left_out.items() if reason not in there
            },
            already_there={
                reason.removesuffix(_THERE): row.left_out[reason] for reason in sorted(there)
            },
            problems=tuple(Problem(one["title"], one["reason"]) for one in row.problems),
        ),
        reason=row.reason,
        created_at=row.created_at,
        ended_at=row.ended_at,
        waits_for=row.waits_for,
    )
