/** The customers and the orders behind the figures, one page at a time. */

import { saveCsv } from "../export";
import { customerLink, figureOf, rowColumns } from "../parts/explanation";
import { FilterBar } from "../parts/filters";
import { Listed } from "../parts/load";
import { Table, type TableColumn } from "../parts/table";
import { change, LISTS, pageAddress, route, type ListName } from "../route";
import type { Cell, Item } from "../types";

const CUSTOMERS: TableColumn[] = [
  { name: "customer_id", title: "Customer", show: customerLink },
  { name: "name", title: "Name", show: (item) => <a href={pageAddress("customer", { id: String(item.customer_id) })}>{[item.first_name, item.last_name].filter(Boolean).join(" ") || "—"}</a> },
  { name: "email", title: "E-mail" },
  { name: "customer_segment", title: "Segment" },
  { name: "state", title: "State" },
  { name: "rfm_label", title: "Group" },
  { name: "total_orders", title: "Orders", unit: "number" },
  { name: "lifetime_value", title: "Lifetime value", unit: "currency" },
  { name: "last_order_date", title: "Last order", unit: "instant" },
];
const ORDERS: TableColumn[] = [
  { name: "transaction_id", title: "Order" },
  { name: "order_date", title: "Ordered", unit: "instant" },
  { name: "customer_id", title: "Customer", show: customerLink },
  { name: "product_id", title: "Product" },
  { name: "quantity", title: "Pieces", unit: "number" },
  { name: "total_amount", title: "Amount", unit: "currency" },
  { name: "payment_method", title: "Paid by" },
  { name: "order_status", title: "Status" },
];

/** What else a drill-down narrows a list by, in `at` of the address, under the names of the API's filters. */
const NARROWED: Record<string, string> = {
  rfm_label: "group", rfm_recency: "recency", rfm_frequency: "frequency", rfm_monetary: "monetary value", cohort: "cohort",
  months_later: "months later", min_orders: "orders at least", weekday: "weekday", hour: "hour", product_id: "product", country: "country",
};

/** `query` with these. */
function narrow(query: URLSearchParams): URLSearchParams {
  for (const [name, value] of new URLSearchParams(route.value.at)) if (NARROWED[name]) query.set(name, value);
  return query;
}

function csv(columns: TableColumn[], items: Item[], name: string): void {
  const names = columns.map((column) => column.name).filter((each) => each !== "name");
  saveCsv(names, items.map((item) => names.map((each) => item[each] as Cell)), name);
}

function List(props: { title: string; what: string; path: string; columns: TableColumn[]; sorts: Record<string, string>; lists: readonly ListName[]; dates: boolean; search: boolean }) {
  const { at, q, sort } = route.value;
  const narrowed = [...new URLSearchParams(at)].map(([name, value]) => `${NARROWED[name] ?? name} ${value || "not known"}`);
  return (
    <>
      <FilterBar dates={props.dates} lists={props.lists} />
      {narrowed.length > 0 && (
        <p class="filters" role="group" aria-label="Rows of">
          <span>Only {narrowed.join(", ")}.</span> <button type="button" class="quiet" onClick={() => change({ at: "" })}>Show all</button>
        </p>
      )}
      <section class="panel wide" aria-labelledby="list-title">
        <header>
          <h2 id="list-title">{props.title}</h2>
          <div class="tools">
            {props.search && (
              <input type="search" aria-label={`Search ${props.what}`} placeholder="Name or e-mail begins with" value={q}
                onChange={(event) => change({ q: event.currentTarget.value }, true)} />
            )}
            <label>Sort by{" "}
              <select value={sort || Object.keys(props.sorts)[0]} onChange={(event) => change({ sort: event.currentTarget.value }, true)}>
                {Object.entries(props.sorts).map(([key, title]) => <option key={key} value={key}>{title}</option>)}
              </select>
            </label>
          </div>
        </header>
        <div class="body">
          <Listed path={props.path} what={props.what}>
            {(items) => (
              <>
                <Table label={props.title} columns={props.columns} items={items} />
                <button type="button" class="more" onClick={() => csv(props.columns, items, props.what.replace(" ", "-"))}>Save these as CSV</button>
              </>
            )}
          </Listed>
        </div>
      </section>
    </>
  );
}

export function Customers() {
  const { q, sort, segment, state } = route.value;
  const query = new URLSearchParams({ limit: "50", sort: sort || "-lifetime_value" });
  if (q) query.set("q", q);
  for (const value of segment) query.append("segment", value);
  for (const value of state) query.append("state", value);
  return <List title="Customers" what="customers" path={`customers?${narrow(query)}`} columns={CUSTOMERS} search dates={false} lists={["segment", "state"]}
    sorts={{ "-lifetime_value": "highest value", "-total_orders": "most orders", "-last_order_date": "latest order", customer_id: "id" }} />;
}

export function Orders() {
  const { sort, since, until } = route.value;
  const query = new URLSearchParams({ limit: "50", sort: sort || "-order_date" });
  if (since) query.set("since", since);
  if (until) query.set("until", until);
  for (const name of LISTS) for (const value of route.value[name]) query.append(name, value);
  return <List title="Order lines" what="order lines" path={`orders?${narrow(query)}`} columns={ORDERS} search={false} dates lists={LISTS}
    sorts={{ "-order_date": "latest", order_date: "earliest", "-total_amount": "highest amount", total_amount: "lowest amount", transaction_id: "id" }} />;
}

const ROW_SORTS: Record<string, string> = { "-counts": "what counts most", counts: "what counts least", key: "id" };

/** The rows behind one figure, whichever it is: those that Explain shows, as a list. */
export function Rows() {
  const { id, at, sort } = route.value;
  const { name, metric, figure, query } = figureOf(id, at);
  if (!metric) return <div class="skeleton" />;
  const against = metric.columns.find((each) => each.name === figure?.against);
  const counted = [figure?.unit, against?.unit].includes("currency") ? "currency" : "number";
  const order = sort || "-counts";
  if (order !== "key") query.set("sort", order);
  return (
    <>
      <FilterBar dates={metric.filters.includes("since")} lists={LISTS.filter((each) => metric.filters.includes(each))} />
      <section class="panel wide" aria-labelledby="list-title">
        <header>
          <div><h2 id="list-title">{metric.title}</h2><p class="meaning">{figure?.description}</p></div>
          <div class="tools">
            <label>Sort by{" "}
              <select value={order} onChange={(event) => change({ sort: event.currentTarget.value }, true)}>
                {Object.entries(ROW_SORTS).map(([key, title]) => <option key={key} value={key}>{title}</option>)}
              </select>
            </label>
          </div>
        </header>
        <div class="body">
          <Listed path={`metrics/${name}/explain?${query}`} what="rows">
            {(items) => (
              <>
                <Table label={metric.title} columns={rowColumns(items, counted)} items={items} />
                <button type="button" class="more" onClick={() => csv(rowColumns(items, counted), items, id.replace("/", "-"))}>Save these as CSV</button>
              </>
            )}
          </Listed>
        </div>
      </section>
    </>
  );
}
