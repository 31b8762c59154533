import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearch } from "wouter";
import { ApiError } from "../../api";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { session } from "../../session";
import { Button } from "../../ui/Button";
import { SecretField, TextField } from "../../ui/Field";
import { Form } from "../../ui/Form";
import { CodeField } from "./CodeField";
import { Door } from "./Door";
import { PASSWORD_LEAST } from "./password";
import { useCode } from "./useCode";

const PLACES = { USERNAME_TAKEN: "username", EMAIL_TAKEN: "email", INVALID_CODE: "code" };

/** A new account. Where the operator wants addresses verified, the server asks for a code. */
export default function RegisterPage() {
  const t = useText();
  const search = useSearch();
  const [withCode, setWithCode] = useState(false);
  const code = useCode("register");
  const registering = useMutation({
    mutationFn: session.register,
    onError(error, { email }) {
      if (!(error instanceof ApiError) || error.reason !== "CODE_REQUIRED") return;
      setWithCode(true);
      if (code.sentTo !== email) code.send(email);
    },
  });
  const asksForCode = withCode && reasonOf(registering.error) === "CODE_REQUIRED";

  return (
    <Door
      title={t.welcome.registerTitle}
      ways={
        <span>
          {t.welcome.haveAccount}{" "}
          <Link href={routes.login + (search && `?${search}`)}>{t.welcome.logIn}</Link>
        </span>
      }
    >
      <Form
        error={code.error ?? (asksForCode ? null : registering.error)}
        places={PLACES}
        onSubmit={(given) =>
          registering.mutate({
            username: String(given.get("username")).trim(),
            email: emailIn(given),
            password: String(given.get("password")),
            ...(withCode && { code: String(given.get("code")).trim() }),
          })
        }
      >
        <TextField
          label={t.welcome.username}
          hint={t.welcome.usernameHint}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          autoFocus
          required
        />
        <TextField
          label={t.welcome.email}
          name="email"
          type="email"
          autoComplete="email"
          required
        />
        <SecretField
          label={t.welcome.password}
          hint={t.welcome.passwordHint(PASSWORD_LEAST)}
          name="password"
          autoComplete="new-password"
          required
        />
        {withCode && (
          <CodeField
            hint={code.sentTo ? t.welcome.registerCodeSent(code.sentTo) : t.welcome.codeHint}
            wait={code.wait}
            pending={code.pending}
            // The address may have been corrected since it was refused.
            onSend={(form) => code.send(emailIn(new FormData(form)))}
          />
        )}
        <Button type="submit" look="primary" pending={registering.isPending}>
          {t.welcome.register}
        </Button>
      </Form>
    </Door>
  );
}

function emailIn(given: FormData): string {
  return String(given.get("email")).trim();
}

function reasonOf(error: unknown): string | undefined {
  return error instanceof ApiError ? error.reason : undefined;
}
