import { MessageSquare, Search } from "lucide-react";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { ErrorText } from "../../ui/ErrorText";
import { onKeys } from "../../ui/useKey";
import { sessionsOf, useSessionList } from "../sidebar/lists";
import { titleOf } from "../sidebar/titleOf";
import { CommandLine, HitLine, Line } from "./lines";
import styles from "./Search.module.css";
import { type Command, useCommands } from "./useCommands";
import { type Hit, type Kind, type Results, useResults } from "./useResults";
import { useTyped } from "./useTyped";

const KINDS: Kind[] = ["all", "sessions", "messages", "notes"];
const RECENT = 7;
const COMMANDS = 4;
const LONGEST = 200;

type Item =
  | { id: string; command: Command }
  | { id: string; hit: Hit }
  | { id: string; recent: { id: string; title: string } };

/** Finds conversations, messages, notes and what can be done, as one types. */
export function Palette({ onClose }: { onClose: () => void }) {
  const t = useText();
  const id = useId();
  const [, go] = useLocation();
  const box = useRef<HTMLInputElement>(null);
  const { typed, settle, input } = useTyped(box);
  const [kind, setKind] = useState<Kind>("all");
  const [active, setActive] = useState(0);
  const results = useResults(typed, kind);
  const items = useItems(typed, kind, typed === "" ? [] : hitsOf(results.data));
  const at = Math.min(active, items.length - 1);
  const waiting = typed !== "" && (results.isPending || results.isPlaceholderData);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another question begins at its first answer
  useEffect(() => setActive(0), [typed, kind]);
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [id, at]);

  /** False: what stands there answers what was typed before. */
  function choose(item: Item | undefined): boolean {
    if (settle() || waiting) return false;
    if (item === undefined) return true;
    onClose();
    if ("command" in item) item.command.run();
    else go("hit" in item ? addressOf(item.hit) : routes.chat(item.recent.id));
    return true;
  }

  // Whoever types and presses Enter is quicker than what is found: the first of it is meant.
  const wished = useRef(false);
  useEffect(() => {
    if (wished.current && !waiting) wished.current = !choose(items[0]);
  });

  const keys = onKeys({
    ArrowDown: () => setActive(Math.min(items.length - 1, at + 1)),
    ArrowUp: () => setActive(Math.max(0, at - 1)),
    Enter: () => {
      wished.current = !choose(items[at]);
    },
    // A search box would only be emptied by it.
    Escape: onClose,
    "Mod+k": onClose,
  });

  return (
    <Dialog open onClose={onClose} title={t.search.search} bare>
      <div className={styles.palette}>
        <div className={styles.question}>
          <Search aria-hidden size={18} strokeWidth={1.75} />
          <input
            ref={box}
            {...input}
            onInput={(event) => {
              wished.current = false;
              input.onInput(event);
            }}
            type="search"
            className={styles.box}
            aria-label={t.search.search}
            aria-controls={`${id}-list`}
            aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
            placeholder={t.search.placeholder}
            maxLength={LONGEST}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            onKeyDown={keys}
          />
        </div>
        <div className={styles.kinds}>
          {KINDS.map((one) => (
            <button
              key={one}
              type="button"
              className={styles.kind}
              aria-pressed={one === kind}
              onClick={() => {
                setKind(one);
                box.current?.focus();
              }}
            >
              {t.search.kinds[one]}
            </button>
          ))}
        </div>
        <div
          className={styles.results}
          data-waiting={waiting || undefined}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
          tabIndex={0}
        >
          <div id={`${id}-list`} role="listbox" aria-label={t.search.results}>
            {items.map((item, index) => (
              <Line
                key={item.id}
                id={`${id}-${index}`}
                active={index === at}
                onPoint={() => setActive(index)}
                onChoose={() => choose(item)}
              >
                <ItemLine item={item} />
              </Line>
            ))}
          </div>
          {results.hasNextPage && typed !== "" && (
            <Button
              look="quiet"
              pending={results.isFetchingNextPage}
              onClick={() => void results.fetchNextPage()}
            >
              {t.common.more}
            </Button>
          )}
          {results.isError && typed !== "" && (
            <p role="alert" className={styles.said}>
              <ErrorText error={results.error} />
            </p>
          )}
          <p role="status" className={styles.said}>
            {typed !== "" && !waiting && !results.isFetchingNextPage && !results.isError && (
              <Told count={items.length} missing={missingOf(results.data)} />
            )}
          </p>
        </div>
      </div>
    </Dialog>
  );
}

/** How much was found is for those who do not see it; what is missing, and that there is nothing, for all. */
function Told({ count, missing }: { count: number; missing: Exclude<Kind, "all">[] }) {
  const t = useText().search;
  const { sentences } = useFormat();
  const lacks = missing.length > 0 ? [t.missing(missing.map((one) => t.kinds[one]))] : [];
  if (count === 0) return sentences(t.nothing, ...lacks);
  return (
    <>
      <span className="visually-hidden">{t.found(count)} </span>
      {lacks}
    </>
  );
}

function ItemLine({ item }: { item: Item }) {
  const t = useText();
  if ("command" in item) return <CommandLine {...item.command} />;
  if ("hit" in item) return <HitLine hit={item.hit} />;
  return <CommandLine icon={MessageSquare} name={item.recent.title || t.sidebar.untitled} />;
}

/** Before anything is typed: what was used last, and what can be done. */
function useItems(typed: string, kind: Kind, hits: Hit[]): Item[] {
  const commands = useCommands();
  const { data } = useSessionList("active");
  const recent = useMemo(() => sessionsOf(data).slice(0, RECENT), [data]);
  const wanted = typed.toLowerCase();
  const fitting = commands.filter(({ name }) => name.toLowerCase().includes(wanted));
  const done = fitting.map((command): Item => ({ id: `command ${command.name}`, command }));
  if (typed === "")
    return [
      ...done,
      ...recent.map((one): Item => ({ id: one.id, recent: { id: one.id, title: titleOf(one) } })),
    ];
  const found = hits.map((hit): Item => ({ id: `${hit.type} ${hit.id}`, hit }));
  return kind === "all" ? [...done.slice(0, COMMANDS), ...found] : found;
}

const hitsOf = (data: Results): Hit[] => data?.pages.flatMap(({ items }) => items) ?? [];

const missingOf = (data: Results) => [
  ...new Set(data?.pages.flatMap(({ incomplete }) => incomplete)),
];

/** Where it is to be read: a message within its conversation. */
export function addressOf(hit: Hit): string {
  if (hit.type === "note") return routes.note(hit.id);
  const chat = routes.chat(hit.session_id ?? hit.id);
  return hit.type === "message" ? `${chat}?m=${encodeURIComponent(hit.id)}` : chat;
}
