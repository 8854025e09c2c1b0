/** Who comes back: RFM, cohorts, repeat purchases, lifetime value and what is bought together. */

import { Columns } from "../charts/bars";
import { Grid } from "../charts/grid";
import { Lines } from "../charts/lines";
import { Scatter } from "../charts/scatter";
import { panel, series } from "../figures";
import { brief, count, month, money, named, percent, wholeMoney } from "../format";
import { Card } from "../parts/card";
import { explain, Figure, grainOf, Panel } from "../parts/panel";

const LABELS = ["champions", "loyal", "new", "promising", "at risk", "lost"];

export function Loyalty() {
  const repeat = panel("repeat-purchases");
  const value = series("customer-lifetime-value")?.at(-1);
  return (
    <>
      <div class="cards">
        <Card name="repeat-purchases" column="customers_with_orders" value={repeat?.customers_with_orders} show={count} />
        <Card name="repeat-purchases" column="repeat_rate" value={repeat?.repeat_rate} show={percent} note={repeat && <><Figure name="repeat-purchases" column="repeat_customers" item={repeat} /> repeat customers</>} />
        <Card name="repeat-purchases" column="days_between_orders" value={repeat?.days_between_orders} show={(days) => `${count(Math.round(days * 10) / 10)} days`} />
        <Card name="customer-lifetime-value" column="lifetime_value" value={series("customer-lifetime-value") ? (value?.lifetime_value ?? null) : undefined} show={money} note="in twelve months" at={value && { months_later: value.months_later ?? null }} />
      </div>
      <Panel name="rfm" size="half" column="customers">
        {(items) => (
          <Scatter label="Customers by recency and frequency, as big as their number" across="Recency, 5 the latest" up="Frequency" tones={LABELS}
            spots={[...Map.groupBy(items.filter((item) => item.rfm_recency !== null), (item) => `${item.rfm_label}/${item.rfm_recency}/${item.rfm_frequency}`).values()].flatMap((group) =>
              group.map((item, index) => ({
                label: `${named(item.rfm_label)}, scores ${item.rfm_recency} ${item.rfm_frequency} ${item.rfm_monetary}`,
                value: Number(item.customers),
                text: `${count(Number(item.customers))} customers, ${wholeMoney(Number(item.revenue))}`,
                x: Number(item.rfm_recency) + ((index - (group.length - 1) / 2) * 0.7) / Math.max(group.length, 3),
                y: Number(item.rfm_frequency) + ((Number(item.rfm_monetary) - 3) * 0.15),
                tone: Math.max(0, LABELS.indexOf(String(item.rfm_label))),
                pick: () => explain("rfm", "customers", grainOf("rfm", item)),
              })),
            )} />
        )}
      </Panel>
      <Panel name="customer-lifetime-value" size="half">
        {(items) => (
          <Lines label="Lifetime value by months since the first order" height={340} scale={(amount) => brief(amount, "currency")} points={items.map((item) => ({
            label: `${item.months_later} months later`,
            tick: String(item.months_later),
            value: Number(item.lifetime_value),
            text: money(Number(item.lifetime_value)),
            pick: () => explain("customer-lifetime-value", "lifetime_value", grainOf("customer-lifetime-value", item)),
          }))} />
        )}
      </Panel>
      <Panel name="cohort-retention" size="wide" column="customers">
        {(items) => {
          const cohorts = [...new Set(items.map((item) => String(item.cohort)))];
          const last = Math.max(...items.map((item) => Number(item.months_later)));
          const cells = new Map(items.map((item) => [`${item.cohort}/${item.months_later}`, item]));
          const later = items.filter((item) => Number(item.months_later) > 0).map((item) => Number(item.share));
          const most = Math.max(0.01, ...later);
          return (
            <Grid label="Share of each cohort that ordered again, by months later" corner="Cohort" most={most}
              columns={[...Array(last + 1).keys()].map(String)}
              rows={cohorts.map((cohort) => ({
                name: month(cohort),
                cells: [...Array(last + 1).keys()].map((months) => {
                  const item = cells.get(`${cohort}/${months}`);
                  if (!item) return null;
                  const share = Number(item.share);
                  const whole = percent(Math.round(share * 100) / 100);
                  return {
                    label: `${month(cohort)}, ${months} months later`,
                    value: Math.min(share, most),
                    text: `${count(Number(item.customers))} customers, ${whole}`,
                    shown: months ? whole : count(Number(item.customers)),
                    pick: () => explain("cohort-retention", months ? "share" : "customers", { cohort, months_later: months }),
                  };
                }),
              }))} />
          );
        }}
      </Panel>
      <Panel name="days-between-orders" size="half" column="customers">
        {(items) => (
          <Columns label="Customers by mean days between their orders" scale={(amount) => brief(amount, "customers")} marks={items.map((item) => ({
            label: item.to_days === null ? `${item.from_days}+` : `${item.from_days}–${item.to_days}`,
            value: Number(item.customers),
            text: `${count(Number(item.customers))} customers`,
            pick: () => explain("days-between-orders", "customers", grainOf("days-between-orders", item)),
          }))} />
        )}
      </Panel>
      <Panel name="lifetime-value-error" size="half" tableOnly />
      <Panel name="product-affinity" size="wide" tableOnly />
    </>
  );
}

