/** The filters of the page, which live in its address. */

import { share } from "../api";
import { figures, panel } from "../figures";
import { named } from "../format";
import { change, LISTS, route, withoutFilters, type Filters, type ListName } from "../route";
import type { Cell } from "../types";

const OPTIONS: Record<ListName, string> = { segment: "segments", state: "states", category: "categories", status: "statuses" };
const TITLES: Record<ListName, string> = { segment: "Segment", state: "State", category: "Category", status: "Status" };

function shifted(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** What `until` counts back from: the last day that has an order. */
function lastDay(): string {
  return String(panel("filter-options")?.last_day ?? figures.value?.today ?? "");
}

function Choice({ name }: { name: ListName }) {
  const chosen = route.value[name];
  const known = (panel("filter-options")?.[OPTIONS[name]] ?? []) as unknown as Cell[];
  const values = [...new Set([...known.map((value) => (value === null ? "" : String(value))), ...chosen])];
  const locked = share.value?.filters_locked;
  const toggle = (value: string): void =>
    change({ [name]: chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value] });
  const said = chosen.length === 1 ? named(chosen[0] || null) : chosen.length ? String(chosen.length) : "All";
  return (
    <details class="choice" onKeyDown={(event) => {
      if (event.key !== "Escape") return;
      event.currentTarget.open = false;
      event.currentTarget.querySelector("summary")?.focus();
    }}>
      <summary class={chosen.length ? "chosen" : undefined}><span>{TITLES[name]}</span> <b>{said}</b></summary>
      <fieldset disabled={locked}>
        <legend class="unseen">{TITLES[name]}</legend>
        {values.map((value) => (
          <label key={value}>
            <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} /> {value || "not known"}
          </label>
        ))}
      </fieldset>
    </details>
  );
}

export function FilterBar({ dates = true, lists = LISTS as readonly ListName[] }) {
  const { since, until } = route.value;
  const locked = share.value?.filters_locked ?? false;
  const last = lastDay();
  const span = since && (until || last) === last ? Math.round((Date.parse(last) - Date.parse(since)) / 86_400_000) + 1 : 0;
  const used: Filters = route.value;
  const any = since || until || LISTS.some((name) => used[name].length);
  return (
    <div class="filters" role="group" aria-label="Filters">
      {dates && (
        <>
          <div class="spans" role="group" aria-label="Days">
            {[30, 90, 365].map((days) => (
              <button key={days} type="button" aria-pressed={span === days} disabled={locked || !last}
                onClick={() => change({ since: shifted(last, 1 - days), until: last })}>{days} d</button>
            ))}
            <button type="button" aria-pressed={!since && !until} disabled={locked} onClick={() => change({ since: "", until: "" })}>All</button>
          </div>
          <label class="day"><span>From</span> <input type="date" value={since} max={until || undefined} disabled={locked} onChange={(event) => change({ since: event.currentTarget.value })} /></label>
          <label class="day"><span>to</span> <input type="date" value={until} min={since || undefined} disabled={locked} onChange={(event) => change({ until: event.currentTarget.value })} /></label>
        </>
      )}
      {lists.map((name) => <Choice key={name} name={name} />)}
      {any && !locked && <button type="button" class="quiet" onClick={withoutFilters}>Clear filters</button>}
      {locked && <span class="meaning">The sharer has locked the filters.</span>}
    </div>
  );
}
