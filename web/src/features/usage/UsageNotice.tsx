import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "wouter";
import { type Texts, useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { type Notice, noticeOf } from "./notice";
import { limitsQuery } from "./requests";
import styles from "./Usage.module.css";

/**
 * Says that little or nothing is left, or that much was used, where that is so. `ended`: the run that has ended
 * last; `refused`: the question that was refused last because something is used up.
 */
export default function UsageNotice({
  ended,
  refused,
}: {
  ended: string | undefined;
  refused: string | undefined;
}) {
  const t = useText();
  const { moment } = useFormat();
  const { data: limits, refetch } = useQuery({
    ...limitsQuery,
    // Where nothing is limited, it is looked at once.
    refetchInterval: (query) => (query.state.data?.items.length ? 60_000 : false),
  });
  const isLimited = limits !== undefined && limits.length > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew with each run that ends
  useEffect(() => {
    if (refused !== undefined || (isLimited && ended !== undefined)) void refetch();
  }, [ended, refused]);
  const notice = noticeOf(limits ?? []);
  if (notice === null) return null;
  return (
    <p role="status" className={styles.notice}>
      {said(notice, t.usage.notices, moment)} <Link href={routes.usage}>{t.usage.showLeft}</Link>
    </p>
  );
}

function said(
  notice: Notice,
  texts: Texts["usage"]["notices"],
  moment: (at: string) => string,
): string {
  if (notice.until === null) return texts[notice.says];
  const at = moment(notice.until);
  return notice.says === "usedUp" ? texts.usedUp(at) : texts.usedUpOf(notice.name ?? "", at);
}
