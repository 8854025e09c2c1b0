/** Points on two scales of 1 to 5, as big as what they stand for. */

import { scaleLinear, scaleSqrt } from "d3-scale";
import { Chart, reach, type Mark } from "./frame";

export interface Spot extends Mark {
  x: number;
  y: number;
  tone: number;
}

export function Scatter(props: { label: string; spots: Spot[]; across: string; up: string; tones: string[] }) {
  const height = 340;
  return <Chart label={props.label} height={height} draw={(width, note) => {
    const x = scaleLinear([0.5, 5.5], [40, width - 8]);
    const y = scaleLinear([0.4, 5.8], [height - 66, 4]);
    const size = scaleSqrt([0, Math.max(1, ...props.spots.map((spot) => spot.value))], [3, Math.min(22, width / 20)]);
    const each = Math.max(88, width / Math.max(props.tones.length, 1));
    return <>
      {[1, 2, 3, 4, 5].map((score) => (
        <g key={score} class="scale">
          <line x1={40} x2={width - 8} y1={y(score)} y2={y(score)} />
          <text x={28} y={y(score) + 4} text-anchor="end">{score}</text>
          <text x={x(score)} y={height - 48} text-anchor="middle">{score}</text>
        </g>
      ))}
      <text class="tick" x={width - 8} y={height - 30} text-anchor="end">{props.across} →</text>
      <text class="tick" transform={`translate(11,${height / 2}) rotate(-90)`} text-anchor="middle">{props.up} →</text>
      {[...props.spots].sort((one, other) => other.value - one.value).map((spot) => (
        <g key={spot.label} {...reach(spot, note, x(spot.x), y(spot.y))}>
          <circle class={`slice soft tone${spot.tone}`} cx={x(spot.x)} cy={y(spot.y)} r={size(spot.value)} />
        </g>
      ))}
      {each * props.tones.length <= width + 1 && props.tones.map((tone, index) => (
        <g key={tone}>
          <circle class={`slice tone${index}`} cx={index * each + 8} cy={height - 8} r={5} />
          <text class="tick" x={index * each + 19} y={height - 4}>{tone}</text>
        </g>
      ))}
    </>;
  }} />;
}
