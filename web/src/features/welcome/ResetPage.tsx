import { useMutation } from "@tanstack/react-query";
import { Link, useLocation, useSearch } from "wouter";
import { api, ok, type Schema } from "../../api";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { Button } from "../../ui/Button";
import { SecretField, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { toast } from "../../ui/toast";
import { CodeField } from "./CodeField";
import { Door } from "./Door";
import { PASSWORD_LEAST } from "./password";
import { useCode } from "./useCode";

const PLACES = { INVALID_CODE: "code" };

/** A forgotten password: an address, the code that goes there, and another password. */
export default function ResetPage() {
  const t = useText();
  const code = useCode("password_reset");
  const search = useSearch();
  const login = routes.login + (search && `?${search}`);
  const email = code.sentTo;
  return (
    <Door title={t.welcome.resetTitle} ways={<Link href={login}>{t.welcome.logIn}</Link>}>
      {email === undefined ? (
        <Form
          key="address"
          error={code.error}
          onSubmit={(given) => code.send(String(given.get("email")).trim())}
        >
          <TextField
            label={t.welcome.email}
            name="email"
            type="email"
            autoComplete="email"
            autoFocus
            required
          />
          <Button type="submit" look="primary" pending={code.pending}>
            {t.welcome.sendCode}
          </Button>
        </Form>
      ) : (
        <NewPassword email={email} code={code} login={login} />
      )}
    </Door>
  );
}

function NewPassword({
  email,
  code,
  login,
}: {
  email: string;
  code: ReturnType<typeof useCode>;
  login: string;
}) {
  const t = useText();
  const [, go] = useLocation();
  const setting = useMutation({
    mutationFn: (body: Schema<"PasswordReset">) =>
      ok(api.POST("/api/v1/auth/reset-password", { body })),
    onSuccess() {
      toast.show({ text: t.welcome.passwordSet });
      go(login);
    },
  });
  return (
    <Form
      key="code"
      error={code.error ?? setting.error}
      places={PLACES}
      onSubmit={(given) =>
        setting.mutate({
          email,
          code: String(given.get("code")).trim(),
          new_password: String(given.get("new_password")),
        })
      }
    >
      <CodeField
        hint={t.welcome.codeSent(email)}
        wait={code.wait}
        pending={code.pending}
        onSend={() => code.send(email)}
      />
      {/* So that password managers know whose it is. */}
      <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
      <SecretField
        label={t.welcome.newPassword}
        hint={t.welcome.passwordHint(PASSWORD_LEAST)}
        name="new_password"
        autoComplete="new-password"
        required
      />
      <Button type="submit" look="primary" pending={setting.isPending}>
        {t.welcome.setPassword}
      </Button>
    </Form>
  );
}
