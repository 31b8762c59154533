import { useQuery } from "@tanstack/react-query";
import { ImageOff } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { isNotFound } from "../../api";
import { useText } from "../../i18n";
import { classes } from "../../ui/classes";
import styles from "./Files.module.css";
import { type Attached, contentOf } from "./transfer";

/** A picture, read once it comes into sight: it is served to who may see it, and to no address. */
export function Picture({ file, className }: { file: Attached; className?: string | undefined }) {
  const t = useText();
  const { ref, seen } = useSeen();
  const { data, error } = useQuery({
    queryKey: ["file", file.id],
    enabled: seen,
    // It never changes.
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => contentOf(file, signal),
    retry: (count, failed) => count < 2 && !isNotFound(failed),
  });
  const address = useAddress(data);
  return (
    <span ref={ref} className={classes(styles.picture, className)}>
      {address !== undefined && <img src={address} alt={file.name} />}
      {error !== null && (
        <span className={styles.noPicture}>
          <ImageOff aria-hidden size={20} strokeWidth={1.5} />
          <span>{isNotFound(error) ? t.files.deleted : t.files.notLoaded}</span>
        </span>
      )}
    </span>
  );
}

/** An address of this page for what it holds, as long as it is shown. */
function useAddress(blob: Blob | undefined): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (blob === undefined) return;
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => {
      setAddress(undefined);
      URL.revokeObjectURL(made);
    };
  }, [blob]);
  return address;
}

/** Whether an element has come into sight. */
function useSeen() {
  const ref = useRef<HTMLSpanElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null || seen) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [seen]);
  return { ref, seen };
}
