import type { ReactNode } from "react";
import styles from "./Groups.module.css";
import { useGroups } from "./useGroups";

/** As high as a message is taken to be that was never in sight. */
const MESSAGE_PX = 300;

/** Messages, of which a browser passes over those that are far out of sight. */
export function Groups<Entry extends { readonly key: string }>({
  entries,
  render,
}: {
  entries: readonly Entry[];
  render: (entry: Entry) => ReactNode;
}) {
  const groups = useGroups(entries);
  return groups.map((group) => (
    <div
      key={group.key}
      className={styles.group}
      style={{ containIntrinsicSize: `auto ${group.entries.length * MESSAGE_PX}px` }}
    >
      {group.entries.map((entry) => (
        <div key={entry.key} data-key={entry.key}>
          {render(entry)}
        </div>
      ))}
    </div>
  ));
}
