/** A panel: its title and meaning, its chart or its table, and what can be done with it. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { problemOf, send, type ApiError } from "../api";
import { saveResponse, savePng } from "../export";
import { catalogue, panel, series } from "../figures";
import { shown } from "../format";
import { change, filterQuery } from "../route";
import type { Item } from "../types";
import { Trouble } from "./load";
import { Table } from "./table";
import { useTurn } from "./turns";

/** Open what a figure counts: of the whole panel, or of the bar that these grain columns identify. */
export function explain(name: string, column: string, at: Item = {}): void {
  const query = new URLSearchParams();
  for (const [grain, value] of Object.entries(at)) query.set(grain, value === null ? "" : String(value));
  change({ explain: `${name}/${column}`, at: query.toString() });
}

/** The grain of an item: what identifies it in the panel. */
export function grainOf(name: string, item: Item): Item {
  const grain = catalogue.value[name]?.grain ?? [];
  return Object.fromEntries(grain.map((column) => [column, item[column] ?? null]));
}

export function Empty({ children = "Nothing in this selection." }: { children?: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Panel(props: {
  name: string;
  size?: "wide" | "half" | "third" | "two-thirds";
  column?: string;
  tableOnly?: boolean;
  title?: string;
  children?: (items: Item[]) => ComponentChildren;
}) {
  const { name } = props;
  const box = useRef<HTMLElement>(null);
  const asTable = useSignal(false);
  const metric = catalogue.value[name];
  const one = panel(name);
  const items = series(name) ?? (one && !("items" in one) ? [one] : undefined);
  const drawn = useTurn(Boolean(items && metric));
  const title = props.title ?? metric?.title ?? "";
  const error = useSignal<ApiError | null>(null);
  const csv = async (): Promise<void> => {
    try {
      await saveResponse(await send(`metrics/${name}/csv?${filterQuery.value}`), `${name}.csv`);
      error.value = null;
    } catch (thrown) {
      error.value = problemOf(thrown);
    }
  };
  return (
    <section class={`panel ${props.size ?? "half"}`} ref={box} aria-labelledby={`${name}-title`} data-panel={name}>
      <header>
        <div>
          <h2 id={`${name}-title`}>{title || " "}</h2>
          <p class="meaning">{metric?.description}</p>
        </div>
        <div class="tools">
          {props.children && !props.tableOnly && (
            <button type="button" aria-pressed={asTable.value} onClick={() => (asTable.value = !asTable.value)}>
              {asTable.value ? "Chart" : "Table"}
            </button>
          )}
          {metric?.explains && props.column && (
            <button type="button" aria-label={`Explain ${title}`} onClick={() => explain(name, props.column ?? "")}>Explain</button>
          )}
          <button type="button" aria-label={`Save ${title} as CSV`} onClick={() => void csv()}>CSV</button>
          <button type="button" aria-label={`Save ${title} as PNG`} onClick={() => box.current && void savePng(box.current, name)}>PNG</button>
        </div>
      </header>
      <Trouble error={error.value} />
      <div class="body">
        {!items || !metric || !drawn ? <div class="skeleton" aria-hidden="true" /> : items.length === 0 ? <Empty /> : props.tableOnly || asTable.value || !props.children ? (
          <PanelTable name={name} items={items} />
        ) : (
          props.children(items)
        )}
      </div>
    </section>
  );
}

function PanelTable({ name, items }: { name: string; items: Item[] }) {
  const metric = catalogue.value[name];
  if (!metric) return null;
  const columns = metric.columns.filter((column) => !column.detail).map((column) => ({
    name: column.name,
    title: column.title,
    unit: column.unit,
    ...(column.explains && !metric.grain.includes(column.name)
      ? { show: (item: Item) => <Figure name={name} column={column.name} item={item} /> }
      : {}),
  }));
  return <Table label={metric.title} columns={columns} items={items} most={20} />;
}

/** A figure of an item, that a click explains; nothing is behind one that is not known. */
export function Figure(props: { name: string; column: string; item: Item; show?: (value: number) => string }) {
  const column = catalogue.value[props.name]?.columns.find((each) => each.name === props.column);
  const value = props.item[props.column];
  const text = props.show && typeof value === "number" ? props.show(value) : shown(value, column?.unit);
  if (!column || value === null) return <>{text}</>;
  const at = grainOf(props.name, props.item);
  const label = `Explain ${[column.title, ...Object.values(at)].join(" ")}: ${text}`;
  return <button type="button" class="figure" aria-label={label} onClick={() => explain(props.name, props.column, at)}>{text}</button>;
}
