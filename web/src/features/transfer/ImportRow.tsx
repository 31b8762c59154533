import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2, X } from "lucide-react";
import { api, ok } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { FormError } from "../../ui/Form";
import { IconButton } from "../../ui/IconButton";
import { Badge, Row } from "../../ui/Section";
import styles from "./Transfer.module.css";
import { type Import, importsKey, isOver } from "./useImports";

/** One import: how far it is, or what was taken of it and what not. */
export function ImportRow({ one }: { one: Import }) {
  const t = useText().transfer;
  const { moment, size, percent } = useFormat();
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: () =>
      ok(
        api.DELETE("/api/v1/chat/imports/{import_id}", { params: { path: { import_id: one.id } } }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: importsKey }),
  });
  const over = isOver(one);
  const formats: Record<string, string> = t.sources;
  const notes = [
    formats[one.format ?? ""],
    size(one.size),
    moment(one.created_at),
    one.state === "reading" && t.read(percent(one.done)),
  ];
  return (
    <Row
      title={
        <>
          {one.name} <Badge tone={TONES[one.state]}>{t.states[one.state]}</Badge>
        </>
      }
      note={
        <>
          {notes.filter(Boolean).join(" · ")}
          <Report one={one} />
          <FormError error={end.error} />
        </>
      }
    >
      {one.state === "reading" && <progress value={one.done} aria-label={t.readingOf(one.name)} />}
      <IconButton
        icon={over ? Trash2 : X}
        label={over ? t.deleteReport(one.name) : t.cancelImport(one.name)}
        onClick={() => end.mutate()}
      />
    </Row>
  );
}

const TONES: Partial<Record<Import["state"], "good" | "warning">> = {
  completed: "good",
  failed: "warning",
};

function Report({ one }: { one: Import }) {
  const t = useText().transfer;
  const { number, sentences } = useFormat();
  const reasons: Record<string, string> = t.reasons;
  const say = (reason: string) => reasons[reason] ?? t.reasons.OTHER;
  const {
    PERSONA: personasThere = 0,
    NOTE: notesThere = 0,
    FILE: filesThere = 0,
  } = one.already_there;
  const told = [
    t.added(number(one.added), number(one.messages)),
    one.personas > 0 && t.personas(number(one.personas)),
    one.notes > 0 && t.notes(number(one.notes)),
    one.files > 0 && t.filesAdded(number(one.files)),
    one.existing > 0 && t.existing(number(one.existing)),
    personasThere > 0 && t.personasThere(number(personasThere)),
    notesThere > 0 && t.notesThere(number(notesThere)),
    filesThere > 0 && t.filesThere(number(filesThere)),
    one.skipped > 0 && t.skipped(number(one.skipped)),
  ];
  const isFound = [one.added, one.personas, one.notes, one.files, one.existing]
    .concat(personasThere, notesThere, filesThere)
    .some((count) => count > 0);
  const parts = Object.entries(one.left_out);
  return (
    <>
      {one.waits_for && <span className={styles.line}>{t.waitsFor[one.waits_for]}</span>}
      {one.reason && (
        <span className={styles.line}>
          {sentences(say(one.reason), isFound ? t.readPart : t.nothing)}
        </span>
      )}
      {(isFound || (isOver(one) && !one.reason)) && (
        <span className={styles.line}>{told.filter(Boolean).join(" · ")}</span>
      )}
      {parts.length + one.problems.length > 0 && (
        <details>
          <summary>{t.notTaken}</summary>
          <ul>
            {parts.map(([reason, count]) => (
              <li key={reason}>
                {say(reason)} {number(count)}
              </li>
            ))}
            {one.problems.map(({ title, reason }, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: they have no other name, and do not move
              <li key={place}>
                {title || t.untitled}: {say(reason)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
