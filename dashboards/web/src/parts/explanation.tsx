/** Explain: what a figure counts, in words, the rows behind it and the files they came from; and the way to them. */

import { share } from "../api";
import { catalogue } from "../figures";
import { daysBefore, shown } from "../format";
import { change, LISTS, pageAddress, queryOf, route, type ListName, type PageName, type Route } from "../route";
import type { Explanation, Item } from "../types";
import { Dialog } from "./dialog";
import { Listed, Trouble, useAnswer } from "./load";
import { Table, type TableColumn } from "./table";

/** Grain columns that a filter of the page can repeat. */
const FILTER_OF: Record<string, ListName> = { order_status: "status", customer_segment: "segment", state: "state", category: "category" };

/** The list that rows of a kind are found in, and the filters that it takes. */
const LISTED: Record<string, { page: PageName; filters: readonly ListName[] }> = {
  lines: { page: "orders", filters: LISTS },
  customers: { page: "customers", filters: ["segment", "state"] },
};
/** Of customers, those that a column counts by their orders; every other column counts all behind its mark. */
const AT_LEAST: Record<string, string> = { customers_with_orders: "1", repeat_customers: "2", repeat_rate: "2", days_between_orders: "2", gaps: "2" };
/** Who is in no group has no score either, and lists take no score for that. */
const SCORES = new Set(["rfm_recency", "rfm_frequency", "rfm_monetary"]);
/** What no filter of a list can say. */
const UNLISTED_PANELS = new Set(["days-between-orders", "customer-lifetime-value", "lifetime-value-error", "product-affinity"]);
const UNLISTED = /^anonymous_revenue$|^(first|last)_order_date$|_30_days|_change$|_growth$/;
/** A column that counts all of its cohort, whatever the month of the mark. */
const OF_COHORT = "cohort_customers";
const MEAN_OF_WEEK = "revenue_7_day_mean";

/** Where the rows behind a figure are listed, exactly these: by a list's own filters, else by the figure's name. */
export function listOf(panel: string, rows: string | null, column: string, bar: URLSearchParams): string {
  const list = LISTED[rows ?? ""];
  const named = pageAddress("rows", { id: `${panel}/${column}`, at: bar.toString() });
  if (!list || UNLISTED_PANELS.has(panel) || UNLISTED.test(column) || (panel === "top-products" && !bar.size)) return named;
  const to: Partial<Route> = Object.fromEntries(LISTS.map((name) => [name, list.filters.includes(name) ? route.value[name] : []]));
  const others = new URLSearchParams();
  for (const [key, value] of bar) {
    const filter = FILTER_OF[key];
    if (filter) to[filter] = [value];
    else if (key === "day") [to.since, to.until] = [column === MEAN_OF_WEEK ? daysBefore(value, 6) : value, value];
    else if (key === "months_later" && column === OF_COHORT) continue;
    else if (value || !SCORES.has(key)) others.set(key, value);
  }
  const least = panel === "cohort-retention" && !bar.size ? "1" : AT_LEAST[column];
  if (least) others.set("min_orders", least);
  return pageAddress(list.page, { ...to, at: others.toString() });
}

export const customerLink = (item: Item) =>
  item.customer_id && !share.value ? <a href={pageAddress("customer", { id: String(item.customer_id) })}>{item.customer_id}</a> : shown(item.customer_id);

const ORIGIN: TableColumn[] = [
  { name: "line", title: "Line", show: (item) => (item.line === null ? `row ${shown(item.row)}` : shown(item.line)) },
  { name: "file", title: "of file" },
  { name: "run_id", title: "Run", show: (item) => runLink(item.run_id) },
];

export function runLink(run: unknown) {
  return run && !share.value ? <a href={pageAddress("pipeline", { id: String(run) })}>{String(run).slice(0, 13)}</a> : shown(run as string);
}

const ROWS: Record<string, TableColumn[]> = {
  line: [
    { name: "transaction_id", title: "Order" },
    { name: "order_date", title: "Ordered", unit: "instant" },
    { name: "customer_id", title: "Customer", show: customerLink },
    { name: "product_id", title: "Product" },
    { name: "order_status", title: "Status" },
  ],
  customer: [
    { name: "customer_id", title: "Customer", show: customerLink },
    { name: "customer_segment", title: "Segment" },
    { name: "state", title: "State" },
    { name: "total_orders", title: "Orders", unit: "number" },
    { name: "lifetime_value", title: "Lifetime value", unit: "currency" },
  ],
  product: [
    { name: "product_id", title: "Product" },
    { name: "product_name", title: "Name" },
    { name: "category", title: "Category" },
    { name: "revenue", title: "Revenue", unit: "currency" },
  ],
  event: [
    { name: "event_type", title: "Type" },
    { name: "occurred_at", title: "Happened", unit: "instant" },
    { name: "customer_id", title: "Customer", show: customerLink },
    { name: "product_id", title: "Product" },
    { name: "amount", title: "Amount", unit: "currency" },
  ],
};
/** What an event has in place of a file. */
const EVENT_ORIGIN: TableColumn[] = [
  { name: "event_id", title: "Event" },
  { name: "kafka_offset", title: "Kafka offset" },
];

/** A figure by its name, "panel/column", and its mark, as a query of its grain; and where its rows are asked for. */
export function figureOf(named: string, at: string) {
  const [name = "", column = ""] = named.split("/");
  const metric = catalogue.value[name];
  const figure = metric?.columns.find((each) => each.name === column);
  const bar = new URLSearchParams(at);
  const query = new URLSearchParams(queryOf(route.value));
  for (const key of bar.keys()) query.delete(key);
  for (const [key, value] of bar) query.append(key, value);
  query.set("column", column);
  query.set("limit", "50");
  const title = [figure?.title ?? column, ...[...bar].map(([, value]) => value || "not known")].join(" · ");
  return { name, column, metric, figure, bar, query, title };
}

/** What is shown of the rows behind a figure. */
export function rowColumns(items: Item[], counted: string): TableColumn[] {
  const kind = String(items[0]?.kind);
  return [...(ROWS[kind] ?? []), { name: "counts", title: "Counts", unit: counted }, ...(kind === "event" ? EVENT_ORIGIN : ORIGIN)];
}

/** How the rows make the figure. */
function madeOf(answer: Explanation, unit: string, counted: string): string {
  const rows = answer.total === 1 ? "The 1 row below" : `The ${shown(answer.total)} rows below`;
  if (unit === "instant") return answer.total === 1 ? `${rows} has this date.` : `${rows} have this date.`;
  const isAll = answer.value === null || Math.abs(Number(answer.value) - answer.sum) < (counted === "currency" ? 0.005 : 0.00005);
  const add = answer.total === 1 ? "adds" : "add";
  return isAll ? `${rows} ${add} up to it.` : `${rows} ${add} up to ${shown(answer.sum, counted)}, which it is made of.`;
}

export function ExplainDialog() {
  const { explain, at } = route.value;
  const { name, column, metric, figure, bar, query, title } = figureOf(explain, at);
  const path = `metrics/${name}/explain?${query}`;
  const { answer, error } = useAnswer<Explanation>(path);
  const close = (): void => change({ explain: "", at: "" });
  const narrow = [...bar].filter(([key]) => FILTER_OF[key] && metric?.filters.includes(FILTER_OF[key]));
  const against = metric?.columns.find((each) => each.name === answer?.against);
  const list = listOf(name, figure?.explains ?? null, column, bar);
  const counted = [figure?.unit, against?.unit].includes("currency") ? "currency" : "number";
  return (
    <Dialog title={title} close={close}>
      <Trouble error={error} />
      {!answer && !error && <div class="skeleton" aria-hidden="true" />}
      {answer && (
        <>
          <p class="big" data-explained={answer.value ?? undefined}>{shown(answer.value ?? answer.sum, figure?.unit)}</p>
          <p class="words">{answer.words}</p>
          <p class="meaning" data-sum={answer.sum}>
            {madeOf(answer, figure?.unit ?? "", counted)}
          </p>
          {against && (
            <p><button type="button" class="more" onClick={() => change({ explain: `${name}/${against.name}` })}>Explain {against.title}, which it is {figure?.unit === "change" ? "compared with" : "divided by"}</button></p>
          )}
          {!share.value && <p><a href={list}>Open these rows as a list</a></p>}
          {narrow.length > 0 && !share.value?.filters_locked && (
            <button type="button" class="more" onClick={() => change({ explain: "", at: "", ...Object.fromEntries(narrow.map(([key, value]) => [FILTER_OF[key], [value]])) })}>
              Show the whole page for {narrow.map(([, value]) => value || "not known").join(", ")} only
            </button>
          )}
          <h3>Rows</h3>
          <Listed path={path} what="rows" given={answer}>
            {(items) => <Table label="Rows behind the figure" columns={rowColumns(items, counted)} items={items} />}
          </Listed>
          {figure?.explains !== "events" && <Files files={answer.files} counted={counted} />}
        </>
      )}
    </Dialog>
  );
}

function Files({ files, counted }: { files: Item[]; counted: string }) {
  return (
    <>
      <h3>Files</h3>
      <Table
        label="Files behind the figure"
        columns={[
          { name: "file", title: "File" },
          { name: "rows", title: "Rows", unit: "number" },
          { name: "sum", title: "Sum", unit: counted },
          { name: "run_id", title: "Run", show: (item) => runLink(item.run_id) },
        ]}
        items={files}
      />
    </>
  );
}
