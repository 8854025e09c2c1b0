/** Shares of a whole, at most a handful; the legend names and counts them. */

import { arc, pie } from "d3-shape";
import { Chart, reach, type Mark } from "./frame";
import { count, percent } from "../format";

const SIZE = 190;

export function Donut(props: { label: string; marks: Mark[]; unit: string }) {
  const whole = props.marks.reduce((sum, mark) => sum + mark.value, 0);
  const slices = pie<Mark>().value((mark) => mark.value).sort(null).padAngle(0.02)(props.marks);
  const shape = arc<(typeof slices)[number]>().innerRadius(62).outerRadius(90).cornerRadius(3);
  return <Chart label={props.label} height={SIZE + 20 + 28 * props.marks.length} draw={(width, note) => {
    const [x, y] = [width / 2, SIZE / 2 + 4];
    const [from, to] = [Math.max(8, width / 2 - 150), Math.min(width - 8, width / 2 + 150)];
    return <>
      <text class="middle" x={x} y={y + 2} text-anchor="middle">{count(whole)}</text>
      <text class="tick" x={x} y={y + 22} text-anchor="middle">{props.unit}</text>
      {slices.map((slice, index) => {
        const [ox, oy] = shape.centroid(slice);
        const row = SIZE + 32 + index * 28;
        const mark = { ...slice.data, text: `${slice.data.text} (${percent(whole ? slice.data.value / whole : 0)})` };
        return (
          <g key={slice.data.label}>
            <g {...reach(mark, note, x + ox, y + oy)}>
              <path class={`slice tone${index % 6}`} transform={`translate(${x},${y})`} d={shape(slice) ?? ""} />
              <rect class="catch" x={from - 6} y={row - 19} width={to - from + 12} height={27} rx={4} />
              <rect class={`slice tone${index % 6}`} x={from} y={row - 10} width={11} height={11} rx={3} />
            </g>
            <g class="said" aria-hidden="true">
              <text class="name" x={from + 20} y={row}>{slice.data.label}</text>
              <text class="value" x={to} y={row} text-anchor="end">{mark.text}</text>
            </g>
          </g>
        );
      })}
    </>;
  }} />;
}
