import { useState } from "react";
import { Link, useSearch } from "wouter";
import type { Schema } from "../../api";
import { type Texts, useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { Button } from "../../ui/Button";
import { Select, TextField } from "../../ui/Field";
import { LoadError } from "../../ui/LoadError";
import { midnight } from "../../ui/midnight";
import { Row, Rows } from "../../ui/Section";
import { Spinner } from "../../ui/Spinner";
import styles from "./Admin.module.css";
import { useNames } from "./names";
import { useAudit } from "./requests";

type Group = keyof ReturnType<typeof useText>["admin"]["groups"];

/** What has happened to accounts: by kind, by day, and about the one that `?user=` names. */
export function Audit() {
  const t = useText();
  const user = new URLSearchParams(useSearch()).get("user");
  const [event, setEvent] = useState<Group | "">("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const audit = useAudit({
    ...(event && { event }),
    ...(user && { user_id: user }),
    ...(from && { from: midnight(from, 0) }),
    ...(to && { to: midnight(to, 1) }),
  });
  const pages = audit.data?.pages ?? [];
  const items = audit.data && pages.flatMap((page) => page.items);
  const nameOf = useNames([
    [user],
    ...pages.map((page) => page.items.flatMap((entry) => [entry.subject_id, entry.actor_id])),
  ]);
  return (
    <>
      <div className={styles.filters}>
        <Select
          label={t.admin.event}
          value={event}
          onChange={({ target }) => setEvent(target.value as Group | "")}
        >
          <option value="">{t.admin.anyEvent}</option>
          {Object.entries(t.admin.groups).map(([group, name]) => (
            <option key={group} value={group}>
              {name}
            </option>
          ))}
        </Select>
        <TextField
          label={t.admin.from}
          type="date"
          value={from}
          onChange={({ target }) => setFrom(target.value)}
        />
        <TextField
          label={t.admin.to}
          type="date"
          value={to}
          onChange={({ target }) => setTo(target.value)}
        />
      </div>
      {user && (
        <p>
          {t.admin.about(nameOf(user))} ·{" "}
          <Link href={routes.adminPart("audit")}>{t.admin.aboutAll}</Link>
        </p>
      )}
      <LoadError of={[audit]} />
      {audit.isPending && <Spinner />}
      {items?.length === 0 && <p role="status">{t.admin.noEntries}</p>}
      <Rows label={t.admin.audit}>
        {items?.map((entry) => (
          <Entry key={entry.id} entry={entry} nameOf={nameOf} />
        ))}
      </Rows>
      {audit.hasNextPage && (
        <Button pending={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
          {t.common.more}
        </Button>
      )}
    </>
  );
}

/** What a field says, in words; an id, a day or a number as it is. */
function words(value: string, t: Texts): string {
  const { words, roles } = t.admin;
  return value
    .split(", ")
    .map((one) => words[one] ?? roles[one as keyof typeof roles] ?? one)
    .join(", ");
}

function Entry({ entry, nameOf }: { entry: Schema<"AuditEntry">; nameOf: (id: string) => string }) {
  const t = useText();
  const { moment, named } = useFormat();
  const { subject_id: subject, actor_id: actor } = entry;
  const notes = [
    moment(entry.at),
    actor && actor !== subject && t.admin.by(nameOf(actor)),
    entry.ip,
  ];
  return (
    <Row
      title={
        <>
          {t.admin.events[entry.event] ?? entry.event}
          {subject && <span className={styles.id}>{nameOf(subject)}</span>}
        </>
      }
      note={
        <>
          {notes.filter(Boolean).join(" · ")}
          {Object.keys(entry.fields).length > 0 && (
            <span className={styles.fields}>
              {Object.entries(entry.fields).map(([name, value]) => (
                <span key={name}>{named(t.admin.fields[name] ?? name, words(value, t))}</span>
              ))}
            </span>
          )}
        </>
      }
    />
  );
}
