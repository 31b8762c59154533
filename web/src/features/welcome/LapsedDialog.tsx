import { useText } from "../../i18n";
import { remembered, session, useSession } from "../../session";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SecretField, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import styles from "./Door.module.css";
import { useLogIn } from "./useLogIn";

/** Where the login ended at the server: one logs in over the page, which stays as it is. */
export function LapsedDialog() {
  const t = useText();
  const { status, user } = useSession();
  const logIn = useLogIn();
  const username = user?.username ?? remembered()?.username ?? "";

  return (
    <Dialog open={status === "lapsed"} title={t.welcome.lapsedTitle}>
      <div className={styles.lapsed}>
        <p>{t.welcome.lapsed}</p>
        <Form
          error={logIn.error}
          onSubmit={(given) => logIn.mutate({ username, password: String(given.get("password")) })}
        >
          <TextField
            label={t.welcome.username}
            name="username"
            autoComplete="username"
            value={username}
            readOnly
          />
          <SecretField
            label={t.welcome.password}
            name="password"
            autoComplete="current-password"
            autoFocus
            required
          />
          <Button type="submit" look="primary" pending={logIn.isPending}>
            {t.welcome.logIn}
          </Button>
        </Form>
        <Button look="quiet" onClick={() => session.ended()}>
          {t.welcome.someoneElse}
        </Button>
      </div>
    </Dialog>
  );
}
