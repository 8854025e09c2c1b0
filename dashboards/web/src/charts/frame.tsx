/** What all charts share: their width, marks that keyboard and pointer reach, and the note beside the mark. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** A mark of a chart: what it stands for, its value in words, and what a click does. */
export interface Mark {
  label: string;
  value: number;
  text: string;
  /** What else is shown and said of it. */
  also?: string | undefined;
  pick?: (() => void) | undefined;
}

/** The room that a chart has, in pixels, so that its type keeps its size on every screen. */
export function useWidth(): { box: { current: HTMLDivElement | null }; width: number } {
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => (width.value = Math.floor(entry?.contentRect.width ?? 0)));
    width.value = Math.floor(element.getBoundingClientRect().width);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, width: width.value };
}

export interface Note {
  x: number;
  y: number;
  mark: Mark;
}

/** Attributes that make a shape a mark: focusable, spoken with its value, opened by click, Enter or Space. */
export function reach(mark: Mark, note: (shown: Note | null) => void, x: number, y: number): Record<string, unknown> {
  const open = (): void => note({ x, y, mark });
  return {
    class: mark.pick ? "mark pick" : "mark",
    tabindex: 0, // as SVG spells it
    role: mark.pick ? "button" : "img",
    "aria-label": `${mark.label}: ${mark.text}${mark.also ? `, ${mark.also}` : ""}`,
    onFocus: open,
    onBlur: () => note(null),
    onPointerEnter: open,
    onPointerLeave: () => note(null),
    onClick: mark.pick,
    onKeyDown: (event: KeyboardEvent) => {
      if (!mark.pick || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      mark.pick();
    },
  };
}

const CHARACTER = 6.6;

/** The value of the mark that is pointed at, drawn, since a strict policy allows no style attribute to place it. */
export function NoteBox({ note, width }: { note: Note | null; width: number }) {
  if (!note) return null;
  const also = note.mark.also ?? "";
  const wide = Math.max(note.mark.label.length, note.mark.text.length, also.length) * CHARACTER + 24;
  const high = also ? 63 : 46;
  const x = Math.min(Math.max(note.x - wide / 2, 0), Math.max(width - wide, 0));
  const y = note.y > high + 12 ? note.y - high - 10 : note.y + 12;
  return (
    <g class="note" transform={`translate(${x},${y})`} aria-hidden="true">
      <rect width={wide} height={high} rx={6} />
      <text x={12} y={19} class="note-label">{note.mark.label}</text>
      <text x={12} y={36} class="note-value">{note.mark.text}</text>
      {also && <text x={12} y={53} class="note-label">{also}</text>}
    </g>
  );
}

export function Chart(props: {
  label: string;
  height: number;
  draw: (width: number, note: (shown: Note | null) => void) => ComponentChildren;
}) {
  const { box, width } = useWidth();
  const note = useSignal<Note | null>(null);
  return (
    <div class="chart" ref={box}>
      {width > 0 && (
        <svg width={width} height={props.height} viewBox={`0 0 ${width} ${props.height}`} role="group" aria-label={props.label}>
          {props.draw(width, (shown) => (note.value = shown))}
          <NoteBox note={note.value} width={width} />
        </svg>
      )}
    </div>
  );
}
