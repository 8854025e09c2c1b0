/** Customer 360 Overview: the figures of the shop, what they are made of, and what happens now. */

import { Fragment } from "preact";
import { Bars } from "../charts/bars";
import { Donut } from "../charts/donut";
import { Grid } from "../charts/grid";
import { Lines } from "../charts/lines";
import { figures, panel, series } from "../figures";
import { brief, count, day, duration, instant, money, named, shortDay, weekday, wholeMoney } from "../format";
import { pageAddress } from "../route";
import { Card } from "../parts/card";
import { LiveFeed } from "../parts/live";
import { explain, Figure, grainOf, Panel } from "../parts/panel";
import type { Item } from "../types";
import type { Mark } from "../charts/frame";
import { share } from "../api";

/** Items as bars of one column, each explained by a click. */
export function marksOf(name: string, items: Item[], label: (item: Item) => string, column: string, text: (value: number) => string): Mark[] {
  return items.map((item) => {
    const value = Number(item[column] ?? 0);
    return { label: label(item), value, text: text(value), pick: () => explain(name, column, grainOf(name, item)) };
  });
}

/** Days without orders have no item; they are drawn as zero. */
function eachDay(items: Item[]): Item[] {
  const known = new Map(items.map((item) => [item.day, item]));
  const [first, last] = [items[0]?.day, items.at(-1)?.day];
  const days: Item[] = [];
  for (let at = Date.parse(`${first}T00:00:00Z`); at <= Date.parse(`${last}T00:00:00Z`); at += 86_400_000) {
    const key = new Date(at).toISOString().slice(0, 10);
    days.push(known.get(key) ?? { day: key, orders: 0, revenue: 0, revenue_7_day_mean: null });
  }
  return days;
}

const MOST_BARS = 10;
const EVENTS: Record<string, string> = { page_view: "Pages viewed", click: "Clicks", purchase: "Purchases" };

export function Overview() {
  const overview = panel("overview");
  const days = eachDay(series("revenue-by-day") ?? []);
  const recent = (column: string): number[] => days.slice(-60).map((item) => Number(item[column] ?? 0));
  const live = panel("live-totals");
  const run = panel("pipeline-health");
  return (
    <>
      <div class="cards sparks">
        <Card name="overview" column="customers" value={overview?.customers} show={count} change={overview?.customers_growth} changed="customers_growth" note={overview && <><Figure name="overview" column="customers_with_orders" item={overview} /> with orders</>} />
        <Card name="overview" column="orders" value={overview?.orders} show={count} change={overview?.orders_change} changed="orders_change" spark={recent("orders")} note={overview && <><Figure name="overview" column="order_lines" item={overview} /> lines</>} />
        <Card name="overview" column="revenue" value={overview?.revenue} show={wholeMoney} exact={money} change={overview?.revenue_change} changed="revenue_change" spark={recent("revenue")} note={overview && <><Figure name="overview" column="revenue_30_days" item={overview} show={wholeMoney} /> in 30 days</>} />
        <Card name="overview" column="avg_order_value" value={overview?.avg_order_value} show={money} change={overview?.avg_order_value_change} changed="avg_order_value_change" spark={days.slice(-60).map((item) => (item.orders ? Number(item.revenue) / Number(item.orders) : 0))} note={overview && <><Figure name="overview" column="avg_order_value_30_days" item={overview} /> in 30 days</>} />
      </div>
      <Panel name="revenue-by-day" size="wide" column="revenue">
        {(items) => (
          <Lines label="Revenue by day, with its mean of seven days" scale={(value) => brief(value, "currency")} points={eachDay(items).map((item) => ({
            label: day(String(item.day)),
            tick: shortDay(String(item.day)),
            value: Number(item.revenue),
            mean: item.revenue_7_day_mean as number | null,
            text: money(Number(item.revenue)),
            also: typeof item.revenue_7_day_mean === "number" ? `mean of 7 days ${money(item.revenue_7_day_mean)}` : undefined,
            pick: () => explain("revenue-by-day", "revenue", { day: item.day ?? null }),
          }))} />
        )}
      </Panel>
      <Panel name="orders-by-status" size="third" column="orders">
        {(items) => <Donut label="Orders by status" unit="orders" marks={marksOf("orders-by-status", items, (item) => named(item.order_status), "orders", count)} />}
      </Panel>
      <Panel name="customers-by-segment" size="third" column="customers">
        {(items) => <Bars label="Customers by segment" marks={marksOf("customers-by-segment", items, (item) => named(item.customer_segment), "customers", count)} />}
      </Panel>
      <LiveFeed />
      <Panel name="revenue-by-state" column="revenue">
        {(items) => <>
          <Bars label="Revenue by state" marks={marksOf("revenue-by-state", items.slice(0, MOST_BARS), (item) => named(item.state), "revenue", wholeMoney)} />
          {items.length > MOST_BARS && <p class="meaning">The first {MOST_BARS} of {items.length}; the table has all.</p>}
        </>}
      </Panel>
      <Panel name="revenue-by-category" column="revenue">
        {(items) => <Bars label="Revenue by category" marks={marksOf("revenue-by-category", items, (item) => named(item.category), "revenue", wholeMoney)} />}
      </Panel>
      <Panel name="orders-by-hour" size="wide" column="orders">
        {(items) => {
          const cells = new Map(items.map((item) => [`${item.weekday}/${item.hour}`, item]));
          return (
            <Grid label="Orders by weekday and hour" corner="Hour" columns={[...Array(24).keys()].map(String)}
              most={Math.max(...items.map((item) => Number(item.orders)))}
              rows={[1, 2, 3, 4, 5, 6, 7].map((number) => ({
                name: weekday(number),
                cells: [...Array(24).keys()].map((hour) => {
                  const item = cells.get(`${number}/${hour}`);
                  const orders = Number(item?.orders ?? 0);
                  return item ? { label: `${weekday(number)} ${hour}:00`, value: orders, text: `${count(orders)} orders`, shown: count(orders), pick: () => explain("orders-by-hour", "orders", { weekday: number, hour }) } : null;
                }),
              }))} />
          );
        }}
      </Panel>
      <Panel name="top-products" size="two-thirds" column="revenue" tableOnly />
      <section class="panel third short" aria-labelledby="now-title">
        <header><div><h2 id="now-title">Right now</h2><p class="meaning">The website, and the last nightly load.</p></div></header>
        <div class="body">
          <dl class="facts">
            <dt>Active customers</dt><dd>{live ? <Figure name="live-totals" column="active_customers" item={live} /> : "…"}</dd>
            <dt>Events so far</dt><dd>{live ? <Figure name="live-totals" column="events" item={live} /> : "…"}</dd>
            {series("live-events")?.map((item) => (
              <Fragment key={item.event_type}>
                <dt>{EVENTS[String(item.event_type)] ?? item.event_type}</dt>
                <dd>
                  <Figure name="live-events" column="event_count" item={item} />
                  {Number(item.total_purchase_amount) > 0 && <> for <Figure name="live-events" column="total_purchase_amount" item={item} /></>}
                </dd>
              </Fragment>
            ))}
            <dt>First order</dt><dd>{overview ? <Figure name="overview" column="first_order_date" item={overview} /> : "…"}</dd>
            <dt>Last order</dt><dd>{overview ? <Figure name="overview" column="last_order_date" item={overview} /> : "…"}</dd>
            <dt>Last load</dt><dd>{run?.status ? <span class={`badge ${run.status}`}>{String(run.status).toLowerCase()}</span> : "—"}</dd>
            <dt>It took</dt><dd>{run?.seconds ? duration(Number(run.seconds)) : "—"}</dd>
            <dt>Rows waiting in quarantine</dt><dd>{run ? count(Number(run.quarantined_waiting)) : "…"}</dd>
            <dt>Published</dt><dd>{figures.value?.published_at ? instant(figures.value.published_at) : "—"}</dd>
          </dl>
          {!share.value && <a href={pageAddress("pipeline")}>To the pipeline</a>}
        </div>
      </section>
    </>
  );
}

