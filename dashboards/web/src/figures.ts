/** The figures of the page: one request for all panels every ten seconds, the last answer shown until the next one. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { key, problemOf, read, send, share, shareToken, token, type ApiError } from "./api";
import { speak } from "./format";
import { filterQuery, route, type PageName } from "./route";
import type { Figures, Item, Metric } from "./types";

const EVERY_MS = 10_000;
const STALE_MS = 25_000;

export const PANELS: Partial<Record<PageName, string[]>> = {
  overview: [
    "overview", "revenue-by-day", "orders-by-status", "customers-by-segment", "revenue-by-state", "revenue-by-category",
    "top-products", "orders-by-hour", "live-totals", "live-events", "pipeline-health", "filter-options",
  ],
  loyalty: [
    "overview", "rfm", "cohort-retention", "repeat-purchases", "days-between-orders", "customer-lifetime-value",
    "lifetime-value-error", "product-affinity", "filter-options",
  ],
  customers: ["filter-options"],
  orders: ["filter-options"],
  pipeline: ["pipeline-health", "quality-health", "filter-options"],
  customer: ["filter-options"],
  rows: ["filter-options"],
};

interface Kept {
  etag: string | null;
  at: number;
  figures: Figures;
}

const kept = new Map<string, Kept>();
const request = computed(() => `metrics?panels=${(PANELS[route.value.page] ?? []).join(",")}&${filterQuery.value}`);

export const catalogue = signal<Record<string, Metric>>({});
export const figures = signal<Figures | null>(null);
/** When the API last said so, in ms. */
export const asOf = signal(0);
/** Why there is nothing newer. */
export const trouble = signal<ApiError | null>(null);
export const now = signal(Date.now());
export const stale = computed(() => trouble.value !== null && now.value - asOf.value > 0);
export const old = computed(() => now.value - asOf.value > STALE_MS);

/** The figures of one panel; undefined while they are awaited. */
export function panel(name: string): Item | undefined {
  return figures.value?.panels[name] as Item | undefined;
}

export function series(name: string): Item[] | undefined {
  return (figures.value?.panels[name] as { items?: Item[] } | undefined)?.items;
}

/** Kept over a reload, in the tab only where somebody had to show a key for it. */
function storage(): Storage {
  return shareToken || key.get() || token.get() ? sessionStorage : localStorage;
}

function show(path: string, found: Kept): void {
  batch(() => {
    speak(found.figures);
    if (figures.peek() !== found.figures) figures.value = found.figures;
    asOf.value = found.at;
  });
  kept.set(path, found);
}

function remembered(path: string): Kept | null {
  const text = kept.size ? null : storage().getItem("c360.figures");
  const found = text ? (JSON.parse(text) as Kept & { path: string }) : null;
  return kept.get(path) ?? (found?.path === path + (shareToken ?? "") ? found : null);
}

let turn = 0;

/** Ask for the page's figures now. */
export async function refresh(): Promise<void> {
  const path = request.peek();
  const mine = ++turn;
  try {
    const before = kept.get(path);
    const headers: HeadersInit = before?.etag ? { "If-None-Match": before.etag } : {};
    const response = await send(path, { headers, cache: "no-store" });
    const found: Kept =
      response.status === 304 && before
        ? { ...before, at: Date.now() }
        : { etag: response.headers.get("ETag"), at: Date.now(), figures: (await response.json()) as Figures };
    if (mine !== turn) return;
    trouble.value = null;
    show(path, found);
    try {
      storage().setItem("c360.figures", JSON.stringify({ ...found, path: path + (shareToken ?? "") }));
    } catch {
      // a full or forbidden storage costs only the figures at the next opening
    }
  } catch (error) {
    if (mine === turn) trouble.value = problemOf(error);
  }
}

async function learn(): Promise<void> {
  try {
    const answer = await read<{ items: Metric[] }>("metrics/catalogue");
    catalogue.value = Object.fromEntries(answer.items.map((metric) => [metric.name, metric]));
  } catch {
    setTimeout(learn, EVERY_MS);
  }
}

/** Start to show figures, and keep them fresh while somebody looks. */
export function start(): void {
  let due = 0;
  const tick = (): void => {
    now.value = Date.now();
    if (!document.hidden && now.value >= due && (!shareToken || share.value)) {
      due = now.value + EVERY_MS;
      void refresh();
    }
  };
  effect(() => {
    const path = request.value;
    untracked(() => {
      const found = remembered(path);
      if (found) show(path, found);
      else figures.value = null;
      due = 0;
      tick();
    });
  });
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  void learn();
}
