import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { noticeOf } from "./notice";
import { limitsQuery } from "./requests";
import styles from "./Usage.module.css";

/** Says that little or nothing is left, or that much was used, where that is so. */
export default function UsageNotice() {
  const t = useText();
  const { data: limits } = useQuery({
    ...limitsQuery,
    // Where nothing is limited, it is looked at once.
    refetchInterval: (query) => (query.state.data?.items.length ? 60_000 : false),
  });
  const notice = noticeOf(limits ?? []);
  if (notice === null) return null;
  return (
    <p role="status" className={styles.notice}>
      {notice.says === "usedUpOf"
        ? t.usage.notices.usedUpOf(notice.name ?? "")
        : t.usage.notices[notice.says]}{" "}
      <Link href={routes.usage}>{t.usage.showLeft}</Link>
    </p>
  );
}
