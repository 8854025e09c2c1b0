/** Panels are drawn one after the other, with a paint between: the first figures do not wait for every chart. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const waiting = new Set<() => void>();
let isDrawing = false;

function afterPaint(then: () => void): void {
  if (document.hidden) setTimeout(then);
  else requestAnimationFrame(() => setTimeout(then));
}

function drawNext(): void {
  const [next] = waiting;
  isDrawing = next !== undefined;
  if (!next) return;
  waiting.delete(next);
  next();
  afterPaint(drawNext);
}

/** Whether it is this component's turn, which it waits for once it is `ready`, and then keeps. */
export function useTurn(ready: boolean): boolean {
  const mine = useSignal(false);
  useEffect(() => {
    if (!ready) return;
    const take = (): void => void (mine.value = true);
    waiting.add(take);
    if (!isDrawing) {
      isDrawing = true;
      afterPaint(drawNext);
    }
    return () => void waiting.delete(take);
  }, [ready]);
  return mine.value;
}
