import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { useText } from "../../i18n";
import { toast } from "../../ui/toast";
import { limitsQuery } from "./transfer";
import { uploads } from "./uploads";

/** The files of the question that is written in one place, and how there come to be more. */
export function useChosen(place: string) {
  const t = useText();
  const chosen = useSyncExternalStore(uploads.subscribe, () => uploads.at(place));
  const { data: limits } = useQuery(limitsQuery);
  const offered = limits?.offered === true;
  const add = (files: readonly File[]) => {
    if (!offered || files.length === 0) return;
    const added = uploads.add(place, files, limits);
    if (added < files.length)
      toast.show({ text: t.files.tooMany(limits.maximum_attachments), tone: "danger" });
  };
  return {
    chosen,
    limits,
    offered,
    add,
    isWhole: chosen.every(({ status }) => status === "ready"),
  };
}
