import {
  type CompositionEvent,
  type FormEvent,
  type RefObject,
  useEffect,
  useRef,
  useState,
} from "react";

const PAUSE = 150;

/**
 * What is typed into a box, a moment after it was typed; what an input method is still composing is
 * not typed yet. `settle` takes it at once, and says whether it was another text than before.
 */
export function useTyped(box: RefObject<HTMLInputElement | null>) {
  const [typed, setTyped] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  function settle(): boolean {
    clearTimeout(timer.current);
    const text = box.current?.value.trim() ?? "";
    setTyped(text);
    return text !== typed;
  }

  function later() {
    clearTimeout(timer.current);
    timer.current = setTimeout(settle, PAUSE);
  }

  return {
    typed,
    settle,
    input: {
      onInput: (event: FormEvent<HTMLInputElement>) => {
        if (!(event.nativeEvent as InputEvent).isComposing) later();
      },
      onCompositionEnd: (_event: CompositionEvent<HTMLInputElement>) => later(),
    },
  };
}
