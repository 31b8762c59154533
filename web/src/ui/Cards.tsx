import { MoreHorizontal, Pencil, Star, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import styles from "./Cards.module.css";
import { IconButton } from "./IconButton";
import { Menu, MenuItem, MenuSeparator } from "./Menu";

/** Things of one owner, each of which says more than a line; nothing where there is none. */
export function Cards({ title, children }: { title: string; children: readonly ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <section className={styles.section}>
      <h2>{title}</h2>
      <ul className={styles.list}>{children}</ul>
    </section>
  );
}

/** What one is called, and a mark such as that it is the default. */
export function CardName({ name, mark }: { name: string; mark: string | false }) {
  return (
    <div className={styles.name}>
      <h3>{name}</h3>
      {mark && <span className={styles.mark}>{mark}</span>}
    </div>
  );
}

/** What can be done with one: what is the operator's is neither edited nor removed. */
export function CardMenu(props: {
  label: string;
  isOwn: boolean;
  isDefault: boolean;
  makeDefault: string;
  onEdit: () => void;
  onDefault: () => void;
  onRemove: () => void;
  /** What else there is. */
  children: ReactNode;
}) {
  const { label, isOwn, isDefault } = props;
  const t = useText();
  return (
    <Menu
      label={label}
      trigger={(given) => <IconButton icon={MoreHorizontal} label={label} {...given} />}
    >
      {isOwn && (
        <MenuItem icon={Pencil} onSelect={props.onEdit}>
          {t.common.edit}
        </MenuItem>
      )}
      {props.children}
      <MenuItem icon={Star} disabled={isDefault} onSelect={props.onDefault}>
        {props.makeDefault}
      </MenuItem>
      {isOwn && <MenuSeparator />}
      {isOwn && (
        <MenuItem icon={Trash2} danger onSelect={props.onRemove}>
          {t.common.remove}
        </MenuItem>
      )}
    </Menu>
  );
}
