import { Link } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { useSession } from "../../session";
import { NotFound } from "../../shell/NotFound";
import { Page } from "../../ui/Page";
import styles from "./Admin.module.css";
import { Audit } from "./Audit";
import { Tenants } from "./Tenants";
import { Usage } from "./Usage";
import { Users } from "./Users";

const PARTS = { users: Users, tenants: Tenants, usage: Usage, audit: Audit };
type Part = keyof typeof PARTS;

/** What admins see of their tenant's users, and operators of all. */
export default function AdminPage({ part = "users" }: { part: string | undefined }) {
  const t = useText();
  const { user } = useSession();
  const open: Part[] =
    user?.role === "operator"
      ? ["users", "tenants", "usage", "audit"]
      : ["users", "usage", "audit"];
  const shown = open.find((one) => one === part);
  if (user?.role === "user" || shown === undefined) return <NotFound />;
  const Shown = PARTS[shown];
  return (
    <Page title={t.common.admin}>
      <nav aria-label={t.admin.parts} className={styles.parts}>
        {open.map((one) => (
          <Link
            key={one}
            href={routes.adminPart(one)}
            aria-current={one === shown ? "page" : undefined}
          >
            {t.admin[one]}
          </Link>
        ))}
      </nav>
      <Shown />
    </Page>
  );
}
