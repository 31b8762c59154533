import { useQuery } from "@tanstack/react-query";
import { Folder, FolderOpen } from "lucide-react";
import { useId, useState } from "react";
import { api, ok } from "../../api";
import { useText } from "../../i18n";
import { folderView } from "./lists";
import { type ListProps, SessionList } from "./SessionList";
import styles from "./Sidebar.module.css";

/** The folders that there are: query `["folders"]`. */
export function useFolders() {
  return useQuery({
    queryKey: ["folders"],
    queryFn: ({ signal }) => ok(api.GET("/api/v1/chat/folders", { signal })),
    staleTime: 300_000,
  });
}

/** Folders, each shut until it is asked for, but for that of the current conversation. */
export function Folders({ here, ...list }: ListProps & { here: string | null }) {
  const t = useText();
  const id = useId();
  const folders = useFolders().data?.items ?? [];
  if (folders.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className={styles.heading}>
        {t.sidebar.folders}
      </h2>
      {folders.map(({ name, sessions }) => (
        <OneFolder key={name} name={name} count={sessions} here={name === here} list={list} />
      ))}
    </section>
  );
}

function OneFolder({
  name,
  count,
  here,
  list,
}: {
  name: string;
  count: number;
  here: boolean;
  list: ListProps;
}) {
  const t = useText();
  const id = useId();
  const [chosen, setChosen] = useState<boolean>();
  const open = chosen ?? here;
  const Icon = open ? FolderOpen : Folder;
  return (
    <>
      <button
        type="button"
        className={styles.folder}
        aria-expanded={open}
        aria-controls={id}
        data-row
        onClick={() => setChosen(!open)}
      >
        <Icon aria-hidden size={16} strokeWidth={1.75} />
        <span className={styles.folderName}>{name}</span>
        <span className={styles.count}>{count}</span>
      </button>
      <div id={id} className={styles.inFolder} hidden={!open}>
        {open && <SessionList {...list} view={folderView(name)} none={t.sidebar.emptyFolder} />}
      </div>
    </>
  );
}
