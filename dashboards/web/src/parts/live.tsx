/** Live events: streamed where the API can, else asked for every few seconds, as behind API Gateway and on shared links. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { key, readList, share, shareToken, token } from "../api";
import { clock, money } from "../format";
import { pageAddress } from "../route";
import type { Item } from "../types";
import { Empty } from "./panel";

const SHOWN = 8;
const POLL_MS = 5_000;

/** Below a stage path there is API Gateway, which passes no stream. */
const STREAMS = location.pathname === "/dashboard";

const events = signal<Item[] | null>(null);
/** How events come; null while they cannot. */
const streamed = signal<boolean | null>(false);

async function ask(): Promise<void> {
  if (document.hidden) return;
  const answer = await readList(`events/recent?limit=${SHOWN}`).catch(() => null);
  if (answer) events.value = answer.items;
}

/** Listen until the returned function is called. A stream cannot show a key, so it is only for an open API. */
function listen(): () => void {
  let timer = 0;
  let source: EventSource | null = null;
  const poll = (): void => {
    source?.close();
    streamed.value = false;
    timer ||= setInterval(ask, POLL_MS) as unknown as number;
  };
  const hide = (): void => {
    if (document.hidden) source?.close();
    else void begin();
  };
  const begin = async (): Promise<void> => {
    await ask();
    if (timer || !STREAMS || shareToken || key.get() || token.get()) return poll();
    source = new EventSource("events/stream");
    source.onopen = () => (streamed.value = true);
    source.onerror = () => (source?.readyState === EventSource.CLOSED ? poll() : (streamed.value = null));
    source.addEventListener("events", (message: MessageEvent<string>) => {
      const { items } = JSON.parse(message.data) as { items: Item[] };
      if (!items.length) void ask(); // the stream begins here: what came before it
      const known = new Map((events.peek() ?? []).map((event) => [event.event_id, event]));
      for (const event of items) known.set(event.event_id as string, event);
      events.value = [...known.values()].sort((one, other) => (String(one.occurred_at) < String(other.occurred_at) ? 1 : -1)).slice(0, SHOWN);
    });
  };
  void begin();
  document.addEventListener("visibilitychange", hide);
  return () => {
    document.removeEventListener("visibilitychange", hide);
    clearInterval(timer);
    source?.close();
  };
}

const NAMES: Record<string, string> = { page_view: "viewed", click: "clicked", purchase: "bought" };

export function LiveFeed() {
  useEffect(listen, []);
  return (
    <section class="panel third" aria-labelledby="live-title">
      <header><div><h2 id="live-title">Live events</h2><p class="meaning">{streamed.value === null ? "Not connected; trying again." : streamed.value ? "As they happen." : "Asked for every 5 seconds."}</p></div></header>
      <div class="body">
        {!events.value ? <div class="skeleton" aria-hidden="true" /> : events.value.length === 0 ? <Empty>No events yet.</Empty> : (
          <ol class="feed">
            {events.value.map((event) => (
              <li key={event.event_id}>
                <time>{clock(Date.parse(String(event.occurred_at)))}</time>
                <span>
                  {share.value ? event.customer_id : <a href={pageAddress("customer", { id: String(event.customer_id) })}>{event.customer_id}</a>}{" "}
                  {NAMES[String(event.event_type)] ?? event.event_type} {event.product_id}
                  {event.amount !== null && event.amount !== undefined && ` for ${money(Number(event.amount))}`}
                </span>
              </li>
            ))}
          </ol>
        )}
      </div>
    </section>
  );
}
