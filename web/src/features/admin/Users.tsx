import { useDeferredValue, useMemo, useState } from "react";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { Select, TextField } from "../../ui/Field";
import { LoadError } from "../../ui/LoadError";
import { Rows } from "../../ui/Section";
import { Spinner } from "../../ui/Spinner";
import styles from "./Admin.module.css";
import { DeleteUserDialog } from "./DeleteUser";
import { type ManagedUser, useTenants, useUsers } from "./requests";
import { UserRow } from "./UserRow";
import { useSettled } from "./useSettled";

/** Users, found by a part of their name or address. */
export function Users() {
  const t = useText();
  const [typed, setTyped] = useState("");
  const [status, setStatus] = useState<ManagedUser["status"]>();
  const [doomed, setDoomed] = useState<ManagedUser>();
  const q = useSettled(typed.trim());
  const users = useUsers({ ...(q && { q }), ...(status && { status }) });
  const tenants = useTenants();
  // The same while one types: of hundreds of rows none is drawn anew then.
  const found = useMemo(() => users.data?.pages.flatMap((page) => page.items), [users.data]);
  const items = useDeferredValue(found);
  return (
    <>
      <div className={styles.filters}>
        <TextField
          label={t.admin.findUser}
          type="search"
          value={typed}
          maxLength={254}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Select
          label={t.admin.status}
          value={status ?? ""}
          onChange={(event) => setStatus((event.target.value || undefined) as typeof status)}
        >
          <option value="">{t.admin.anyStatus}</option>
          <option value="active">{t.admin.statuses.active}</option>
          <option value="disabled">{t.admin.statuses.disabled}</option>
        </Select>
      </div>
      <LoadError of={[users, tenants]} />
      {items === undefined && !users.error && <Spinner />}
      {items?.length === 0 && <p role="status">{t.admin.noUsers}</p>}
      <Rows label={t.admin.users}>
        {items?.map((user) => (
          <UserRow
            key={user.id}
            user={user}
            tenant={tenants.data?.find(({ id }) => id === user.tenant_id)?.name}
            onDelete={setDoomed}
          />
        ))}
      </Rows>
      {users.hasNextPage && (
        <Button pending={users.isFetchingNextPage} onClick={() => void users.fetchNextPage()}>
          {t.common.more}
        </Button>
      )}
      <DeleteUserDialog user={doomed} onClose={() => setDoomed(undefined)} />
    </>
  );
}
