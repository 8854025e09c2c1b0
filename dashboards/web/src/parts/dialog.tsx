/** A dialog beside the page: the browser keeps the focus in it, and Escape closes it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function Dialog(props: { title: string; close: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    box.current?.showModal();
    return () => (opener as HTMLElement | null)?.focus?.();
  }, []);
  return (
    <dialog
      ref={box}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        props.close();
      }}
      onClick={(event) => event.target === box.current && props.close()}
    >
      <div class="sheet">
        <header>
          <h2 id="dialog-title">{props.title}</h2>
          <button type="button" aria-label="Close" onClick={props.close}>✕</button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}
