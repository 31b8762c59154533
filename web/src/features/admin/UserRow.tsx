import {
  Ellipsis,
  ScrollText,
  ShieldCheck,
  Trash2,
  UserRoundCheck,
  UserRoundX,
} from "lucide-react";
import { memo } from "react";
import { useLocation } from "wouter";
import { useText } from "../../i18n";
import { useFormat } from "../../i18n/format";
import { routes } from "../../routes";
import { useSession } from "../../session";
import { IconButton } from "../../ui/IconButton";
import { Menu, MenuItem, MenuSeparator } from "../../ui/Menu";
import { Badge, Row } from "../../ui/Section";
import { tell } from "../../ui/tell";
import { toast } from "../../ui/toast";
import { type ManagedUser, useChangeUser } from "./requests";

const ROLES = ["user", "tenant_admin", "operator"] as const;

/** One user, and what an admin can do about them. Roles above one's own are not offered. */
export const UserRow = memo(function UserRow({
  user,
  tenant,
  onDelete,
}: {
  user: ManagedUser;
  tenant: string | undefined;
  onDelete: (user: ManagedUser) => void;
}) {
  const t = useText();
  const { ago } = useFormat();
  const { user: me } = useSession();
  const own = me?.id === user.id;
  const notes = [
    user.email,
    tenant,
    user.last_login_at ? t.admin.lastLogin(ago(user.last_login_at)) : t.admin.neverLoggedIn,
  ];
  return (
    <Row
      title={
        <>
          {user.username}
          {own && <Badge>{t.admin.you}</Badge>}
          {user.role !== "user" && <Badge tone="good">{t.admin.roles[user.role]}</Badge>}
          {user.status === "disabled" && <Badge tone="warning">{t.admin.statuses.disabled}</Badge>}
        </>
      }
      note={notes.filter(Boolean).join(" · ")}
    >
      <Actions
        user={user}
        own={own}
        operator={me?.role === "operator"}
        onDelete={() => onDelete(user)}
      />
    </Row>
  );
});

function Actions({
  user,
  own,
  operator,
  onDelete,
}: {
  user: ManagedUser;
  own: boolean;
  operator: boolean;
  onDelete: () => void;
}) {
  const t = useText();
  const [, go] = useLocation();
  const change = useChangeUser();

  function make(
    body: { role?: ManagedUser["role"]; status?: ManagedUser["status"] },
    done: string,
  ) {
    change.mutate(
      { id: user.id, ...body },
      {
        onSuccess: () => toast.show({ text: done }),
        onError: (error) => tell(error, t),
      },
    );
  }

  const roles = ROLES.filter((role) => role !== user.role && (operator || role !== "operator"));
  return (
    <Menu
      label={t.admin.actionsOf(user.username)}
      trigger={(props) => (
        <IconButton icon={Ellipsis} label={t.admin.actionsOf(user.username)} {...props} />
      )}
    >
      <MenuItem
        icon={ScrollText}
        onSelect={() => go(`${routes.adminPart("audit")}?user=${user.id}`)}
      >
        {t.admin.showAudit}
      </MenuItem>
      {/* The server lets nobody do these to themselves. */}
      {!own && (
        <>
          <MenuSeparator />
          {roles.map((role) => (
            <MenuItem
              key={role}
              icon={ShieldCheck}
              onSelect={() =>
                make({ role }, t.admin.roleChanged(user.username, t.admin.roles[role]))
              }
            >
              {t.admin.makeRole[role]}
            </MenuItem>
          ))}
          <MenuSeparator />
          {user.status === "active" ? (
            <MenuItem
              icon={UserRoundX}
              onSelect={() => make({ status: "disabled" }, t.admin.disabled(user.username))}
            >
              {t.admin.disable}
            </MenuItem>
          ) : (
            <MenuItem
              icon={UserRoundCheck}
              onSelect={() => make({ status: "active" }, t.admin.enabled(user.username))}
            >
              {t.admin.enable}
            </MenuItem>
          )}
          <MenuItem icon={Trash2} danger onSelect={onDelete}>
            {t.admin.deleteUser}
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
