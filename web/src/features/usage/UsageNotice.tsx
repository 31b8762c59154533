import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { limitsQuery } from "./requests";
import styles from "./Usage.module.css";

/** Says that little or nothing is left, where that is so. */
export default function UsageNotice() {
  const t = useText();
  const { data: limits } = useQuery({
    ...limitsQuery,
    // Where nothing is limited, it is looked at once.
    refetchInterval: (query) => (query.state.data?.items.length ? 60_000 : false),
  });
  const states = limits?.flatMap(({ tokens, cost }) => [tokens?.state, cost?.state]) ?? [];
  const usedUp = states.includes("used_up");
  if (!usedUp && !states.includes("soft")) return null;
  return (
    <p role="status" className={styles.notice}>
      {usedUp ? t.usage.usedUpNotice : t.usage.softNotice}{" "}
      <Link href={routes.usage}>{t.usage.showLeft}</Link>
    </p>
  );
}
