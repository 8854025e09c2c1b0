/** Lines over an even scale: the first as an area whose points are reached, the others as plain lines. */

import { scaleLinear, scalePoint } from "d3-scale";
import { area, curveMonotoneX, line } from "d3-shape";
import { Chart, reach, type Mark } from "./frame";

export interface Point extends Mark {
  /** What stands below the scale. */
  tick: string;
  /** The second line's value. */
  mean?: number | null | undefined;
}

export function Lines(props: { label: string; points: Point[]; height?: number; scale: (value: number) => string }) {
  const height = props.height ?? 260;
  return <Chart label={props.label} height={height} draw={(width, note) => {
    const [left, right, top, bottom] = [52, 12, 14, 26];
    const keys = props.points.map((_, index) => String(index));
    const across = scalePoint(keys, [left, width - right]);
    const low = Math.min(0, ...props.points.map((point) => point.value));
    const high = Math.max(1, ...props.points.map((point) => Math.max(point.value, point.mean ?? 0)));
    const up = scaleLinear([low, high], [height - bottom, top]).nice(4);
    const x = (index: number): number => across(String(index)) ?? left;
    const every = Math.max(1, Math.ceil(props.points.length / Math.max(2, Math.floor((width - left) / 84))));
    const drawn = line<Point>((_, index) => x(index), (point) => up(point.value)).curve(curveMonotoneX);
    const mean = line<Point>((_, index) => x(index), (point) => up(point.mean ?? 0))
      .defined((point) => typeof point.mean === "number").curve(curveMonotoneX);
    const below = area<Point>((_, index) => x(index), up(Math.max(low, 0)), (point) => up(point.value)).curve(curveMonotoneX);
    const withMean = props.points.some((point) => typeof point.mean === "number");
    const step = Math.max(across.step() || width, 1);
    return <>
      {up.ticks(4).map((value) => (
        <g key={value} class="scale">
          <line x1={left} x2={width - right} y1={up(value)} y2={up(value)} />
          <text x={left - 8} y={up(value) + 4} text-anchor="end">{props.scale(value)}</text>
        </g>
      ))}
      {props.points.map((point, index) => index % every === 0 && x(index) < width - 30 && (
        <text key={index} class="tick" x={x(index)} y={height - 6} text-anchor={index ? "middle" : "start"}>{point.tick}</text>
      ))}
      <path class="area" d={below(props.points) ?? ""} />
      <path class={withMean ? "line thin" : "line"} d={drawn(props.points) ?? ""} />
      {withMean && <path class="line" d={mean(props.points) ?? ""} />}
      {props.points.map((point, index) => (
        <g key={index} {...reach(point, note, x(index), up(point.value))}>
          <rect class="catch" x={x(index) - step / 2} width={step} y={top} height={height - bottom - top} />
          <circle class={props.points.length > 40 ? "dot hidden" : "dot"} cx={x(index)} cy={up(point.value)} r={4} />
        </g>
      ))}
    </>;
  }} />;
}

/** The course of a figure, small; its values are read in the chart that it belongs to. */
export function Sparkline({ values }: { values: number[] }) {
  const [width, height] = [120, 36];
  const across = scaleLinear([0, Math.max(values.length - 1, 1)], [0, width]);
  const up = scaleLinear([Math.min(0, ...values), Math.max(1, ...values)], [height - 3, 3]);
  const drawn = line<number>((_, index) => across(index), (value) => up(value)).curve(curveMonotoneX);
  const below = area<number>((_, index) => across(index), height, (value) => up(value)).curve(curveMonotoneX);
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="area" d={below(values) ?? ""} />
      <path class="line" d={drawn(values) ?? ""} />
    </svg>
  );
}
