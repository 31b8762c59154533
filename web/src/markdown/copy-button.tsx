import { Check, Copy, type LucideIcon } from "lucide-react";
import { memo, useEffect, useState } from "react";
import { useText } from "../i18n";
import { IconButton } from "../ui/IconButton";
import { toast } from "../ui/toast";
import { copy } from "./clipboard";

interface Props {
  label: string;
  /** What is to be copied, asked for at the press. */
  what: () => { text: string; html?: string };
  icon?: LucideIcon;
  size?: number;
}

/** Copies, and shows for a moment that it has. With the same `what` it is not drawn anew. */
export const CopyButton = memo(function CopyButton({ label, what, icon = Copy, size = 16 }: Props) {
  const t = useText();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const press = () =>
    copy(what()).then(
      () => setCopied(true),
      () => toast.show({ text: t.chat.notCopied, tone: "danger" }),
    );
  return (
    <>
      <IconButton icon={copied ? Check : icon} label={label} size={size} onClick={press} />
      <span role="status" className="visually-hidden">
        {copied ? t.common.copied : ""}
      </span>
    </>
  );
});
