"""Rows of imports into what they stand for."""

from typing import Any, Final

from chat_service.imports.domain.job import Import, ImportState, Problem, Report

SHOWN: Final = (
    "id, name, state, size, format, done, added, existing, skipped, messages, personas, left_out,"
    " problems, reason, created_at, ended_at"
)


def to_import(row: Any) -> Import:
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
            left_out=row.left_out,
            problems=tuple(Problem(one["title"], one["reason"]) for one in row.problems),
        ),
        reason=row.reason,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
