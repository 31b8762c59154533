import { Cable, Drama, Link2, LogOut, NotebookText, ShieldCheck, UserRound } from "lucide-react";
import { useLocation } from "wouter";
import { useText } from "../i18n";
import { routes } from "../routes";
import { useMe, useSession } from "../session";
import { logOut } from "../session/logOut";
import { Menu, MenuItem, MenuSeparator } from "../ui/Menu";
import { tell } from "../ui/tell";
import styles from "./UserMenu.module.css";

/** Who one is, and the way to all that is not a conversation. */
export function UserMenu({ onNavigate }: { onNavigate: () => void }) {
  const t = useText();
  const [, go] = useLocation();
  const { user } = useSession();
  const { data: me } = useMe();
  const name = me?.display_name || user?.username || "";

  const to = (path: string) => () => {
    onNavigate();
    go(path);
  };
  async function leave() {
    try {
      await logOut();
    } catch (error) {
      tell(error, t);
    }
  }

  return (
    <div className={styles.foot}>
      <Menu
        label={t.common.account}
        placement="top-start"
        trigger={(props) => (
          <button type="button" className={styles.user} {...props}>
            <span aria-hidden className={styles.initial}>
              {[...name][0]?.toUpperCase()}
            </span>
            <span className={styles.name}>{name}</span>
          </button>
        )}
      >
        <MenuItem icon={Cable} onSelect={to(routes.keys)}>
          {t.common.keys}
        </MenuItem>
        <MenuItem icon={Drama} onSelect={to(routes.personas)}>
          {t.common.personas}
        </MenuItem>
        <MenuItem icon={NotebookText} onSelect={to(routes.notes)}>
          {t.common.notes}
        </MenuItem>
        <MenuItem icon={Link2} onSelect={to(routes.shares)}>
          {t.shares.title}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={UserRound} onSelect={to(routes.account)}>
          {t.common.account}
        </MenuItem>
        {user !== undefined && user.role !== "user" && (
          <MenuItem icon={ShieldCheck} onSelect={to(routes.admin)}>
            {t.common.admin}
          </MenuItem>
        )}
        <MenuSeparator />
        <MenuItem icon={LogOut} onSelect={() => void leave()}>
          {t.common.logOut}
        </MenuItem>
      </Menu>
    </div>
  );
}
