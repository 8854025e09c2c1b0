/** A figure with its change and its course; it opens what it is made of. */

import type { ComponentChildren } from "preact";
import { Sparkline } from "../charts/lines";
import { catalogue } from "../figures";
import { signed } from "../format";
import type { Cell, Item } from "../types";
import { explain } from "./panel";

export function Card(props: {
  name: string;
  column: string;
  value: Cell | undefined;
  show: (value: number) => string;
  exact?: (value: number) => string;
  change?: Cell | undefined;
  /** The column that `change` is, to explain it. */
  changed?: string;
  /** The mark that the figure is of, where the panel has several. */
  at?: Item | undefined;
  spark?: number[];
  note?: ComponentChildren;
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
        {change !== null && <button type="button" class={change < 0 ? "change down" : "change up"} title="The last 30 days against the 30 before"
          aria-label={`Explain the change of ${declared?.title}: ${signed(change)}`} onClick={() => explain(name, props.changed ?? column)}>{change < 0 ? "▼" : "▲"} {signed(change)}</button>}
        <span class="meaning">{props.note}</span>
      </p>
      {props.spark && props.spark.length > 1 && <Sparkline values={props.spark} />}
      {declared?.explains && typeof value === "number" && <button type="button" class="quiet" aria-label={`Explain ${declared.title}`} onClick={() => explain(name, column, props.at)}>Explain</button>}
    </article>
  );
}
