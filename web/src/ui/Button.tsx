import type { LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { Link } from "wouter";
import styles from "./Button.module.css";
import { classes } from "./classes";

interface Look {
  /** primary: the one thing to do here. quiet: among others. danger: something is lost by it. */
  look?: "primary" | "plain" | "quiet" | "danger";
  icon?: LucideIcon;
  /** Work is under way: it is said to be busy and does nothing more. */
  pending?: boolean;
  small?: boolean;
}

export function Button({
  look = "plain",
  icon: Icon,
  pending = false,
  small = false,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ComponentProps<"button"> & Look) {
  return (
    <button
      type={type}
      className={classes(styles.button, styles[look], small && styles.small, className)}
      aria-busy={pending || undefined}
      aria-disabled={pending || undefined}
      onClick={pending ? (event) => event.preventDefault() : onClick}
      {...rest}
    >
      {Icon && <Icon aria-hidden size={18} strokeWidth={1.75} />}
      {children}
    </button>
  );
}

/** A link that looks like a button: the one thing to do where it stands. */
export function ButtonLink({
  href,
  icon: Icon,
  children,
}: {
  href: string;
  icon: LucideIcon;
  children: ReactNode;
}) {
  return (
    <Link href={href} className={classes(styles.button, styles.primary)}>
      <Icon aria-hidden size={18} strokeWidth={1.75} />
      {children}
    </Link>
  );
}
