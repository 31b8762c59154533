import { useMutation } from "@tanstack/react-query";
import { session } from "../../session";

/** Logs in with what the form holds. */
export function useLogIn() {
  return useMutation({
    mutationFn: ({ username, password }: { username: string; password: string }) =>
      session.logIn(username, password),
  });
}
