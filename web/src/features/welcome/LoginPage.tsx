import { Link, useSearch } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { remembered } from "../../session";
import { Button } from "../../ui/Button";
import { SecretField, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { Door } from "./Door";
import { useLogIn } from "./useLogIn";

export default function LoginPage() {
  const t = useText();
  const search = useSearch();
  const query = search ? `?${search}` : "";
  const logIn = useLogIn();
  const known = remembered()?.username;

  return (
    <Door
      title={t.welcome.logInTitle}
      ways={
        <>
          <span>
            {t.welcome.noAccount} <Link href={routes.register + query}>{t.welcome.register}</Link>
          </span>
          <Link href={routes.reset + query}>{t.welcome.forgotten}</Link>
        </>
      }
    >
      <Form
        error={logIn.error}
        onSubmit={(given) =>
          logIn.mutate({
            username: String(given.get("username")),
            password: String(given.get("password")),
          })
        }
      >
        <TextField
          label={t.welcome.usernameOrEmail}
          hint={t.welcome.usernameOrEmailHint}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          defaultValue={known}
          autoFocus={!known}
          required
        />
        <SecretField
          label={t.welcome.password}
          name="password"
          autoComplete="current-password"
          autoFocus={Boolean(known)}
          required
        />
        <Button type="submit" look="primary" pending={logIn.isPending}>
          {t.welcome.logIn}
        </Button>
      </Form>
    </Door>
  );
}
