import { WrapText } from "lucide-react";
import {
  createElement,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { useText } from "../i18n";
import { classes } from "../ui/classes";
import { IconButton } from "../ui/IconButton";
import styles from "./code-block.module.css";
import { CopyButton } from "./copy-button";
import { fetchedOnce } from "./fetched-once";
import type { CodeNode } from "./highlight";

// More is shown without colours, and what is longer than so many lines folded at first.
const COLOUR_LIMIT = 50_000;
const FOLD_LINES = 40;
const load = fetchedOnce(() => import("./highlight"));

interface Props {
  code: string;
  language: string;
  /** There is more to come: plain until then. */
  open: boolean;
}

export function CodeBlock({ code, language, open }: Props) {
  const t = useText();
  const id = useId();
  const coloured = useColours(code, language, open);
  const lines = code.split("\n").length;
  // What one has watched being written is not folded away under one's eyes.
  const [folded, setFolded] = useState(!open && lines > FOLD_LINES);
  const [wrapped, setWrapped] = useState(false);
  const written = useRef(code);
  written.current = code;
  const whole = useCallback(() => ({ text: written.current }), []);
  return (
    <figure className={styles.block}>
      <Head language={language} wrapped={wrapped} onWrap={setWrapped} whole={whole} />
      <pre
        id={id}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
        tabIndex={0}
        className={classes(styles.code, folded && styles.folded, wrapped && styles.wrapped)}
      >
        <code>{coloured ?? code}</code>
      </pre>
      {!open && lines > FOLD_LINES && (
        <button
          type="button"
          className={styles.fold}
          aria-expanded={!folded}
          aria-controls={id}
          onClick={() => setFolded(!folded)}
        >
          {folded ? t.chat.showLines(lines) : t.chat.foldLines}
        </button>
      )}
    </figure>
  );
}

/** What stands above the code; the same at every update of code that is being written. */
const Head = memo(function Head({
  language,
  wrapped,
  onWrap,
  whole,
}: {
  language: string;
  wrapped: boolean;
  onWrap: (wrapped: boolean) => void;
  whole: () => { text: string };
}) {
  const t = useText();
  return (
    <figcaption className={styles.head} data-chrome>
      <span className={styles.language}>{language}</span>
      <IconButton
        icon={WrapText}
        label={t.chat.wrapLines}
        size={16}
        aria-pressed={wrapped}
        onClick={() => onWrap(!wrapped)}
      />
      <CopyButton label={t.chat.copyCode} what={whole} />
    </figcaption>
  );
});

/** The code in colours, once they are known. */
function useColours(code: string, language: string, open: boolean): ReactNode {
  const [shown, setShown] = useState<{ code: string; language: string; nodes: ReactNode }>();
  const wanted = !open && language !== "" && code.length <= COLOUR_LIMIT;
  // What is still being written changes with every update, and is none of the effect's business.
  const whole = wanted ? code : undefined;
  useEffect(() => {
    if (whole === undefined) return;
    let gone = false;
    load()
      .then(({ highlight }) => highlight(whole, language))
      .then((nodes) => {
        if (!gone && nodes !== undefined)
          setShown({ code: whole, language, nodes: elements(nodes) });
      })
      // Colours that cannot be fetched are done without.
      .catch(() => setShown(undefined));
    return () => {
      gone = true;
    };
  }, [whole, language]);
  return wanted && shown?.code === code && shown.language === language ? shown.nodes : undefined;
}

function elements(nodes: readonly CodeNode[]): ReactNode[] {
  return nodes.map((node, key) => {
    if (node.type === "text") return node.value;
    if (node.type !== "element") return null;
    const { className } = node.properties;
    const name = Array.isArray(className) ? className.join(" ") : undefined;
    return createElement("span", { key, className: name }, elements(node.children));
  });
}
