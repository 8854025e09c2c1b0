/** A figure with its change and its course; it opens what it is made of. */

import { Sparkline } from "../charts/lines";
import { catalogue } from "../figures";
import { signed } from "../format";
import type { Cell } from "../types";
import { explain } from "./panel";

export function Card(props: {
  name: string;
  column: string;
  value: Cell | undefined;
  show: (value: number) => string;
  exact?: (value: number) => string;
  change?: Cell | undefined;
  spark?: number[];
  note?: string | undefined;
}) {
  const { name, column, value } = props;
  const declared = catalogue.value[name]?.columns.find((each) => each.name === column);
  const change = typeof props.change === "number" ? props.change : null;
  const text = value === undefined ? "" : value === null ? "—" : props.show(Number(value));
  return (
    <article class="card" data-card={`${name}/${column}`}>
      <h2>{declared?.title ?? " "}</h2>
      <p class="big" title={typeof value === "number" && props.exact ? props.exact(value) : undefined}>{text || <span class="skeleton" aria-hidden="true" />}</p>
      <p class="under">
        {change !== null && <span class={change < 0 ? "change down" : "change up"} title="The last 30 days against the 30 before">{change < 0 ? "▼" : "▲"} {signed(change)}</span>}
        <span class="meaning">{props.note}</span>
      </p>
      {props.spark && props.spark.length > 1 && <Sparkline values={props.spark} />}
      {declared?.explains && <button type="button" class="quiet" aria-label={`Explain ${declared.title}`} onClick={() => explain(name, column)}>Explain</button>}
    </article>
  );
}
