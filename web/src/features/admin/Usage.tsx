import { useState } from "react";
import type { Schema } from "../../api";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { useSession } from "../../session";
import { Button } from "../../ui/Button";
import { Select } from "../../ui/Field";
import { LoadError } from "../../ui/LoadError";
import { Spinner } from "../../ui/Spinner";
import { Switch } from "../../ui/Switch";
import { daysOf, type Range } from "../usage/days";
import { SumsTable } from "../usage/SumsTable";
import styles from "./Admin.module.css";
import { useNames } from "./names";
import { useTenants, useTenantsUsage } from "./requests";

type By = keyof ReturnType<typeof useText>["usage"]["sumsBy"];

/** What users and tenants have used. */
export function Usage() {
  const t = useText();
  const { user } = useSession();
  const isOperator = user?.role === "operator";
  const tenants = useTenants();
  const [by, setBy] = useState<By>("user");
  const [range, setRange] = useState<Range>("thisMonth");
  const [tenant, setTenant] = useState("");
  const [onlyOperators, setOnlyOperators] = useState(false);
  const usage = useTenantsUsage({
    ...daysOf(range),
    by,
    only_operators: onlyOperators,
    ...(tenant && { tenant_id: tenant }),
  });
  const pages = usage.data?.pages ?? [];
  const items = pages.flatMap((page) => page.items);
  const nameOf = useNamesOfSums(pages);
  return (
    <>
      <p className={styles.quiet}>{t.usage.adminHint}</p>
      <div className={styles.filters}>
        <Select label={t.usage.by} value={by} onChange={({ target }) => setBy(target.value as By)}>
          {Object.entries(t.usage.sumsBy)
            .filter(([one]) => isOperator || one !== "tenant")
            .map(([one, name]) => (
              <option key={one} value={one}>
                {name}
              </option>
            ))}
        </Select>
        <Select
          label={t.usage.range}
          value={range}
          onChange={({ target }) => setRange(target.value as Range)}
        >
          {Object.entries(t.usage.ranges).map(([one, name]) => (
            <option key={one} value={one}>
              {name}
            </option>
          ))}
        </Select>
        {isOperator && (
          <Select
            label={t.usage.tenant}
            value={tenant}
            onChange={({ target }) => setTenant(target.value)}
          >
            <option value="">{t.usage.allTenants}</option>
            {tenants.data?.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
        )}
      </div>
      <Switch label={t.usage.onlyOperators} checked={onlyOperators} onChange={setOnlyOperators} />
      <LoadError of={[usage]} />
      {usage.isPending && <Spinner />}
      {usage.data && items.length === 0 && <p role="status">{t.usage.nothing}</p>}
      {items.length > 0 && (
        <SumsTable
          label={t.usage.sumsBy[by]}
          of={t.usage.sumsBy[by]}
          rows={items.map((item) => ({
            ...item,
            key: `${item.tenant_id} ${item.user_id} ${item.model} ${item.day}`,
            name: nameOf(item, by),
          }))}
        />
      )}
      {usage.hasNextPage && (
        <Button pending={usage.isFetchingNextPage} onClick={() => void usage.fetchNextPage()}>
          {t.common.more}
        </Button>
      )}
    </>
  );
}

/** What a line of sums is called. */
function useNamesOfSums(
  pages: readonly Schema<"TenantsUsage">[],
): (item: Schema<"TenantsUsageItem">, by: By) => string {
  const t = useText();
  const { dayInUtc } = useFormat();
  const userName = useNames(pages.map((page) => page.items.map((item) => item.user_id)));
  const tenants = useTenants();
  return (item, by) => {
    switch (by) {
      case "user":
        return item.user_id === null ? t.usage.gone : userName(item.user_id);
      case "tenant":
        return tenants.data?.find(({ id }) => id === item.tenant_id)?.name ?? item.tenant_id ?? "";
      case "model":
        return item.model === null ? t.usage.gone : item.model || t.usage.unknownModel;
      case "day":
        return item.day === null ? "" : dayInUtc(item.day);
    }
  };
}
