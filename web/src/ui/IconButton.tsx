import type { LucideIcon } from "lucide-react";
import type { ComponentProps } from "react";
import { classes } from "./classes";
import styles from "./IconButton.module.css";

/** A button that is an icon; `label` is its accessible name and its tooltip. */
export function IconButton({
  icon: Icon,
  label,
  size = 18,
  className,
  type = "button",
  ...rest
}: Omit<ComponentProps<"button">, "children" | "aria-label"> & {
  icon: LucideIcon;
  label: string;
  size?: number;
}) {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={classes(styles.button, className)}
      {...rest}
    >
      <Icon aria-hidden size={size} strokeWidth={1.75} />
    </button>
  );
}
