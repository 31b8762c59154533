import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { api, ok, type Schema } from "../../api";
import { useText } from "../../i18n";
import { Button } from "../../ui/Button";
import { SecretField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { Section } from "../../ui/Section";
import { toast } from "../../ui/toast";
import { PASSWORD_LEAST } from "../welcome/password";
import { loginsKey } from "./Logins";

const PLACES = { WRONG_PASSWORD: "old_password" };

/** Another password; every other login ends with the old one. */
export function Password({ username }: { username: string }) {
  const t = useText();
  const queries = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const change = useMutation({
    mutationFn: (body: Schema<"PasswordChange">) => ok(api.PUT("/api/v1/password", { body })),
    onSuccess() {
      form.current?.reset();
      toast.show({ text: t.account.passwordChanged });
      void queries.invalidateQueries({ queryKey: loginsKey });
    },
  });
  return (
    <Section title={t.account.password}>
      <Form
        error={change.error}
        places={PLACES}
        onSubmit={(given, element) => {
          form.current = element;
          change.mutate({
            old_password: String(given.get("old_password")),
            new_password: String(given.get("new_password")),
          });
        }}
      >
        <input type="hidden" autoComplete="username" value={username} readOnly />
        <SecretField
          label={t.account.oldPassword}
          name="old_password"
          autoComplete="current-password"
          required
        />
        <SecretField
          label={t.account.newPassword}
          hint={t.welcome.passwordHint(PASSWORD_LEAST)}
          name="new_password"
          autoComplete="new-password"
          required
        />
        <div>
          <Button type="submit" pending={change.isPending}>
            {t.account.changePassword}
          </Button>
        </div>
      </Form>
    </Section>
  );
}
