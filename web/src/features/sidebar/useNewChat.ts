import { useCallback } from "react";
import { useLocation } from "wouter";
import { routes } from "../../routes";
import { focusComposer } from "../search/focusComposer";

/** Goes to where a new conversation begins, ready to write. */
export function useNewChat(): () => void {
  const [, go] = useLocation();
  return useCallback(() => {
    go(routes.home);
    requestAnimationFrame(focusComposer);
  }, [go]);
}
