import {
  Cable,
  Drama,
  Keyboard,
  Link2,
  type LucideIcon,
  NotebookText,
  ShieldCheck,
  SquarePen,
  UserRound,
} from "lucide-react";
import { useLocation } from "wouter";
import { useText } from "../../i18n";
import { routes } from "../../routes";
import { useSession } from "../../session";
import { touch } from "../../ui/touch";
import { useNewChat } from "../sidebar/useNewChat";
import { palette } from "./opened";
import { SHORTCUTS } from "./Shortcuts";

export interface Command {
  name: string;
  icon: LucideIcon;
  chord?: string;
  run: () => void;
}

/** What can be done from the palette. */
export function useCommands(): Command[] {
  const t = useText();
  const [, go] = useLocation();
  const { user } = useSession();
  const newChat = useNewChat();
  const { everywhere } = SHORTCUTS;
  // Whoever has a keyboard besides finds them with `?` all the same.
  const keys = !touch.matches;
  const to = (name: string, icon: LucideIcon, path: string) => ({
    name,
    icon,
    run: () => go(path),
  });
  const commands: Command[] = [
    {
      name: t.sidebar.newChat,
      icon: SquarePen,
      run: newChat,
      ...(keys && { chord: everywhere.newChat }),
    },
    to(t.common.notes, NotebookText, routes.notes),
    to(t.common.personas, Drama, routes.personas),
    to(t.common.keys, Cable, routes.keys),
    to(t.shares.title, Link2, routes.shares),
    to(t.common.account, UserRound, routes.account),
  ];
  if (user !== undefined && user.role !== "user")
    commands.push(to(t.common.admin, ShieldCheck, routes.admin));
  if (keys)
    commands.push({
      name: t.search.shortcuts,
      icon: Keyboard,
      chord: everywhere.help,
      run: () => palette.open("shortcuts"),
    });
  return commands;
}
