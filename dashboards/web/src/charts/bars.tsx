/** Horizontal bars, their names to the left and their values at the end; upright ones for classes in order. */

import { scaleBand, scaleLinear } from "d3-scale";
import { Chart, reach, type Mark } from "./frame";

const ROW = 32;
const LETTER = 7.7; // the mean width of one, in pixels

function cut(text: string, room: number): string {
  const most = Math.max(4, Math.floor((room - 12) / LETTER));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

export function Bars(props: { label: string; marks: Mark[] }) {
  const { marks } = props;
  return <Chart label={props.label} height={Math.max(1, marks.length) * ROW + 4} draw={(width, note) => {
    const names = Math.min(width * 0.34, 14 + LETTER * Math.max(...marks.map((mark) => mark.label.length)));
    const values = 12 + LETTER * Math.max(...marks.map((mark) => mark.text.length));
    const high = Math.max(1, ...marks.map((mark) => mark.value));
    const along = scaleLinear([0, high], [0, Math.max(20, width - names - values)]);
    return marks.map((mark, index) => {
      const y = index * ROW + 4;
      return (
        <g key={mark.label}>
          <g {...reach(mark, note, names + along(Math.max(0, mark.value)) / 2, y + 66)}>
            <rect class="catch" x={0} y={y - 2} width={width} height={ROW} />
            <rect class="rail" x={names} y={y + 4} width={Math.max(0, width - names - values)} height={18} rx={3} />
            <rect class="bar" x={names} y={y + 4} width={Math.max(2, along(Math.max(0, mark.value)))} height={18} rx={3} />
          </g>
          <g class="said" aria-hidden="true">
            <text class="name" x={names - 10} y={y + 18} text-anchor="end">{cut(mark.label, names)}</text>
            <text class="value" x={width - 2} y={y + 18} text-anchor="end">{mark.text}</text>
          </g>
        </g>
      );
    });
  }} />;
}

export function Columns(props: { label: string; marks: Mark[]; scale: (value: number) => string }) {
  const height = 220;
  return <Chart label={props.label} height={height} draw={(width, note) => {
    const [left, top, bottom] = [44, 12, 26];
    const across = scaleBand(props.marks.map((mark) => mark.label), [left, width]).padding(0.25);
    const up = scaleLinear([0, Math.max(1, ...props.marks.map((mark) => mark.value))], [height - bottom, top]).nice(4);
    const every = Math.max(1, Math.ceil(58 / Math.max(across.step(), 1)));
    return <>
      {up.ticks(4).map((value) => (
        <g key={value} class="scale">
          <line x1={left} x2={width} y1={up(value)} y2={up(value)} />
          <text x={left - 8} y={up(value) + 4} text-anchor="end">{props.scale(value)}</text>
        </g>
      ))}
      {props.marks.map((mark, index) => {
        const x = across(mark.label) ?? 0;
        return (
          <g key={mark.label} {...reach(mark, note, x + across.bandwidth() / 2, up(mark.value))}>
            <rect class="catch" x={x} y={top} width={across.bandwidth()} height={height - top} />
            <rect class="bar" x={x} y={up(mark.value)} width={across.bandwidth()} height={Math.max(1, height - bottom - up(mark.value))} rx={2} />
            {index % every === 0 && (
              <text class="tick" x={x + across.bandwidth() / 2} y={height - 6} text-anchor="middle">{mark.label}</text>
            )}
          </g>
        );
      })}
    </>;
  }} />;
}
