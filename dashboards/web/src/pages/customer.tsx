/** One customer: profile, live activity, timeline and orders, now or as of a day, and where each field comes from. */

import { useSignal } from "@preact/signals";
import { figures } from "../figures";
import { count, day as dayInWords, dayOf, endOfDay, instant, money, named, shown } from "../format";
import { runLink } from "../parts/explanation";
import { Listed, Trouble, useAnswer } from "../parts/load";
import { Table } from "../parts/table";
import { change, route } from "../route";
import type { Item, List } from "../types";

const FIELDS: [name: string, title: string, unit?: string][] = [
  ["email", "E-mail"],
  ["phone", "Phone"],
  ["city", "City"],
  ["state", "State"],
  ["country", "Country"],
  ["customer_segment", "Segment"],
  ["signup_date", "Signed up", "day"],
  ["total_orders", "Orders", "number"],
  ["lifetime_value", "Lifetime value", "currency"],
  ["avg_order_value", "Average order value", "currency"],
  ["first_order_date", "First order", "instant"],
  ["last_order_date", "Last order", "instant"],
];

const DAY_MS = 86_400_000;
const dayNumber = (iso: string): number => Math.round(Date.parse(`${iso}T00:00:00Z`) / DAY_MS);
const dayFrom = (number: number): string => new Date(number * DAY_MS).toISOString().slice(0, 10);

/** Where it stands in its file. Lines and rows of a file with cells of several lines do not go in step; then its row. */
const place = (item: Item): string => `${item.file}, ${item.line === null ? `row ${item.row}` : `line ${item.line}`}`;

function Origins({ id }: { id: string }) {
  const { answer, error } = useAnswer<{ fields: Item[] }>(`customers/${encodeURIComponent(id)}/explain`);
  return (
    <>
      <Trouble error={error} />
      {answer && <Table label="Where each field comes from" items={answer.fields} columns={[
        { name: "field", title: "Field", show: (item) => FIELDS.find(([name]) => name === item.field)?.[1] ?? String(item.field).replaceAll("_", " ") },
        { name: "value", title: "Value" },
        { name: "file", title: "From", show: (item) => (item.file === null ? shown(item.rule) : place(item)) },
        { name: "effective_at", title: "In force since", unit: "instant" },
        { name: "loaded_at", title: "Known since", unit: "instant" },
        { name: "run_id", title: "Run", show: (item) => runLink(item.run_id) },
      ]} />}
    </>
  );
}

function Timeline({ id }: { id: string }) {
  return (
    <Listed path={`customers/${encodeURIComponent(id)}/timeline?limit=20`} what="entries">
      {(items) => (
        <ol class="timeline">
          {items.map((item) => {
            const data = item.data as unknown as Item & { changes?: Item[] };
            return (
              <li key={`${item.at}${item.kind}${item.id}`} class={String(item.kind)}>
                <time dateTime={String(item.at)}>{instant(String(item.at))}</time>
                <span>
                  {item.kind === "order" && <>Ordered <b>{data.transaction_id}</b> for {money(Number(data.total_amount))}, {named(data.order_status)}</>}
                  {item.kind === "event" && <>{String(data.event_type).replace("_", " ")} {data.product_id}{data.amount !== null && ` for ${money(Number(data.amount))}`}</>}
                  {item.kind === "status" && (data.is_deleted ? "Missing from the complete list" : "Back in the complete list")}
                  {item.kind === "profile" && ((data.changes ?? []).every((each) => each.before === null) ? "First described" : (data.changes ?? []).map((each) => (
                    <span key={each.field} class="changed">{FIELDS.find(([name]) => name === each.field)?.[1] ?? each.field}: <s>{shown(each.before)}</s> → <b>{shown(each.after)}</b></span>
                  )))}
                </span>
              </li>
            );
          })}
        </ol>
      )}
    </Listed>
  );
}

function Activity({ id }: { id: string }) {
  const { answer, error } = useAnswer<Item & { by_type: Item[] }>(`customers/${encodeURIComponent(id)}/activity`, 10);
  return (
    <>
      <Trouble error={error} />
      {answer && (answer.last_seen_at === null ? <p class="empty">Never seen on the website.</p> : (
        <dl class="facts">
          <dt>Last seen</dt><dd>{instant(String(answer.last_seen_at))}, {String(answer.last_event_type).replace("_", " ")} {answer.last_product_id}</dd>
          <dt>Last 5 minutes</dt><dd>{count(Number(answer.events_last_5_minutes))} events</dd>
          <dt>Last hour</dt><dd>{count(Number(answer.events_last_hour))} events</dd>
          <dt>Last day</dt><dd>{count(Number(answer.events_last_day))} events</dd>
          {answer.by_type.map((each) => [<dt key="t">{String(each.event_type).replace("_", " ")}</dt>, <dd key="d">{shown(each.event_count)}</dd>])}
        </dl>
      ))}
    </>
  );
}

export function Customer() {
  const { id, day, known } = route.value;
  const path = `customers/${encodeURIComponent(id)}`;
  const today = figures.value?.today ?? "";
  const history = useAnswer<List>(`${path}/history?limit=100`);
  const at = day && day !== today ? endOfDay(day) : "";
  const asOf = at ? `?as_of=${encodeURIComponent(at)}${known ? `&known_at=${encodeURIComponent(at)}` : ""}` : "";
  const profile = useAnswer<Item>(path + asOf, at ? 0 : 10);
  const origins = useSignal(false);
  const one = profile.answer;
  const versions = history.answer?.items ?? [];
  const starts = versions.map((version) => dayOf(String(version.effective_at)));
  const first = [dayOf(String(versions[0]?.effective_at ?? `${today || "2026-01-01"}T00:00:00Z`)), ...(one?.first_order_date ? [dayOf(String(one.first_order_date))] : [])].sort()[0] ?? today;
  const shownDay = day || today;
  const missing = profile.error?.status === 404 && at;
  return (
    <>
      <section class="panel wide hero" aria-labelledby="customer-title">
        <header>
          <div>
            <h1 id="customer-title">{one ? [one.first_name, one.last_name].filter(Boolean).join(" ") || id : missing ? id : " "}</h1>
            <p class="meaning">{id}{one?.rfm_label && <> · <span class="badge">{one.rfm_label}</span></>}{one?.is_deleted && <> · <span class="badge FAILED">missing from the last list</span></>}</p>
          </div>
          <div class="tools"><button type="button" aria-expanded={origins.value} onClick={() => (origins.value = !origins.value)}>{origins.value ? "Hide where it comes from" : "Where it comes from"}</button></div>
        </header>
        {today && (
          <div class="slider">
            <label for="day">As of <b>{shownDay === today ? "now" : dayInWords(shownDay)}</b>{known && shownDay !== today ? ", as known then" : ""}</label>
            <input id="day" type="range" min={Math.min(dayNumber(first) - 1, dayNumber(today) - 1)} max={dayNumber(today)} value={dayNumber(shownDay)}
              aria-valuetext={shownDay === today ? "now" : dayInWords(shownDay)} list="versions"
              onInput={(event) => {
                const to = dayFrom(Number(event.currentTarget.value));
                change({ day: to === today ? "" : to }, true);
              }} />
            <datalist id="versions">{starts.map((each) => <option key={each} value={dayNumber(each)} />)}</datalist>
            <label class="check"><input type="checkbox" checked={known === "then"} onChange={() => change({ known: known ? "" : "then" }, true)} /> with what was known then</label>
          </div>
        )}
        <div class="body">
          {missing ? <p class="empty">{known ? "Nothing was known of this customer then." : "This customer was not there yet."}</p> : <Trouble error={profile.error} />}
          {!one && !profile.error && <div class="skeleton" aria-hidden="true" />}
          {one && (
            <dl class="profile">
              {FIELDS.map(([name, title, unit]) => (
                <div key={name} data-field={name}><dt>{title}</dt><dd>{shown(one[name], unit)}</dd></div>
              ))}
            </dl>
          )}
          {origins.value && <Origins id={id} />}
        </div>
      </section>
      <section class="panel two-thirds" aria-labelledby="orders-title">
        <header><h2 id="orders-title">Orders</h2></header>
        <div class="body">
          {missing ? <p class="empty">None.</p> : <Listed path={`${path}/orders${asOf || "?"}${asOf ? "&" : ""}limit=20&sort=-order_date`} what="order lines">
            {(items) => <Table label="Orders" items={items} columns={[
              { name: "transaction_id", title: "Order" },
              { name: "order_date", title: "Ordered", unit: "instant" },
              { name: "product_id", title: "Product" },
              { name: "quantity", title: "Pieces", unit: "number" },
              { name: "total_amount", title: "Amount", unit: "currency" },
              { name: "order_status", title: "Status" },
            ]} />}
          </Listed>}
        </div>
      </section>
      <section class="panel third short" aria-labelledby="activity-title">
        <header><h2 id="activity-title">Live activity</h2></header>
        <div class="body"><Activity id={id} /></div>
      </section>
      <section class="panel two-thirds" aria-labelledby="timeline-title">
        <header><h2 id="timeline-title">Timeline</h2></header>
        <div class="body"><Timeline id={id} /></div>
      </section>
      <section class="panel third short" aria-labelledby="versions-title">
        <header><h2 id="versions-title">Versions</h2></header>
        <div class="body">
          <Trouble error={history.error} />
          <ol class="timeline">
            {[...versions].reverse().map((version) => (
              <li key={version.version} class="profile">
                <time dateTime={String(version.effective_at)}>{instant(String(version.effective_at))}</time>
                <span>Version {version.version}: {place(version)}, known since {instant(String(version.loaded_at))}, {runLink(version.run_id)}</span>
              </li>
            ))}
          </ol>
        </div>
      </section>
    </>
  );
}

