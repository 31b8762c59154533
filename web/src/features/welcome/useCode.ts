import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ok, type Schema } from "../../api";

type Purpose = Schema<"CodeRequest">["purpose"];

const SECONDS_BETWEEN = 60;

/** Has a code sent to an address; `wait` is in how many seconds another may be asked for. */
export function useCode(purpose: Purpose) {
  const [wait, setWait] = useState(0);
  const [sentTo, setSentTo] = useState<string>();
  const sending = useMutation({
    mutationFn: (email: string) =>
      ok(api.POST("/api/v1/auth/send-code", { body: { email, purpose } })),
    onSuccess(_, email) {
      setSentTo(email);
      setWait(SECONDS_BETWEEN);
    },
  });
  useEffect(() => {
    if (wait === 0) return;
    const timer = setTimeout(() => setWait(wait - 1), 1000);
    return () => clearTimeout(timer);
  }, [wait]);
  return {
    send: sending.mutate,
    pending: sending.isPending,
    error: sending.error,
    /** Where the last one went; undefined before. */
    sentTo,
    wait,
  };
}
