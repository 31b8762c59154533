"""What shares refer to of files, in SQL."""

# ruff: noqa: S608 - all of them are made of constants


def delete_files(which: str) -> str:
    """Deletes references, `:most` of those that are meant: null, all of them.

    The files are locked first, and in order. Whoever deletes a file has it locked when its references go; the other
    way around the two would wait for each other.
    """
    return f"""
WITH gone AS MATERIALIZED (
    SELECT share_files.id, share_files.file_id
    FROM shares JOIN share_files ON share_files.share_id = shares.id
    WHERE {which} LIMIT CAST(:most AS bigint)),
locked AS MATERIALIZED (
    SELECT files.id FROM files WHERE files.id IN (SELECT gone.file_id FROM gone)
    ORDER BY files.id FOR UPDATE)
DELETE FROM share_files
WHERE (SELECT count(*) FROM locked) >= 0 AND share_files.id IN (SELECT gone.id FROM gone)
"""
