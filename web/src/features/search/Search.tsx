import { useSyncExternalStore } from "react";
import { useKeys } from "../../ui/useKey";
import { useNewChat } from "../sidebar/useNewChat";
import { focusComposer } from "./focusComposer";
import { palette } from "./opened";
import { Palette } from "./Palette";
import { Shortcuts } from "./Shortcuts";

/** The palette and the list of shortcuts, shut until they are called, and the keys of every page. */
export function Search() {
  const shown = useSyncExternalStore(palette.subscribe, palette.shown);
  const newChat = useNewChat();
  useKeys({
    "Mod+k": () => palette.open("search"),
    "Mod+Shift+o": newChat,
    "?": () => palette.open("shortcuts"),
    "/": focusComposer,
  });
  return (
    <>
      {shown === "search" && <Palette onClose={palette.close} />}
      <Shortcuts open={shown === "shortcuts"} onClose={palette.close} />
    </>
  );
}
