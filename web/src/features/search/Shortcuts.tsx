import { useText } from "../../i18n";
import { useSettings } from "../../session";
import { Dialog } from "../../ui/Dialog";
import { keysOf } from "./opened";
import styles from "./Search.module.css";

/** The keys that there are, by where they work. */
export const SHORTCUTS = {
  everywhere: {
    search: "Mod+k",
    newChat: "Mod+Shift+o",
    sidebar: "Mod+Shift+s",
    compose: "/",
    help: "?",
  },
  chat: {
    send: "Enter",
    newLine: "Shift+Enter",
    stop: "Escape",
    editLast: "↑",
    copyLast: "Mod+Shift+c",
    previous: "Alt+↑",
    next: "Alt+↓",
  },
  list: {
    upAndDown: "↑+↓",
    rename: "F2",
    remove: "Delete",
  },
} as const;

export function Shortcuts({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useText().search;
  const enterSends = useSettings().data?.enter_sends ?? true;
  const send = enterSends ? {} : { send: "Mod+Enter", newLine: "Enter" };
  return (
    <Dialog open={open} onClose={onClose} title={t.shortcuts}>
      {Object.entries(SHORTCUTS).map(([place, shortcuts]) => (
        <section key={place} className={styles.shortcuts}>
          <h3>{t.places[place as keyof typeof SHORTCUTS]}</h3>
          <dl>
            {Object.entries({ ...shortcuts, ...(place === "chat" && send) }).map(
              ([name, chord]) => (
                <div key={name} className={styles.shortcut}>
                  <dt>{t.does[name as keyof typeof t.does]}</dt>
                  <dd>
                    {keysOf(chord).map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dd>
                </div>
              ),
            )}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
