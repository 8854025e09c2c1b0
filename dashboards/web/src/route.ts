/** The state of the page, all of it in the address: what is shown can be bookmarked, sent and gone back to. */

import { computed, signal } from "@preact/signals";

export const PAGES = ["overview", "loyalty", "customers", "orders", "pipeline", "customer", "rows"] as const;
export type PageName = (typeof PAGES)[number];

export const LISTS = ["segment", "state", "category", "status"] as const;
export type ListName = (typeof LISTS)[number];

export interface Filters {
  since: string;
  until: string;
  segment: string[];
  state: string[];
  category: string[];
  status: string[];
}

export interface Route extends Filters {
  page: PageName;
  id: string;
  q: string;
  sort: string;
  /** What is explained: "panel/column", and the bar, as a query of its grain columns. */
  explain: string;
  at: string;
  /** A day of the customer's history, and whether it is shown as it was known then. */
  day: string;
  known: string;
}

const WORDS = ["since", "until", "id", "q", "sort", "explain", "at", "day", "known"] as const;
const NO_FILTERS: Filters = { since: "", until: "", segment: [], state: [], category: [], status: [] };

function parse(search: string): Route {
  const query = new URLSearchParams(search);
  const page = (PAGES as readonly string[]).includes(query.get("page") ?? "") ? query.get("page") : "overview";
  const words = Object.fromEntries(WORDS.map((name) => [name, query.get(name) ?? ""]));
  const lists = Object.fromEntries(LISTS.map((name) => [name, query.getAll(name)]));
  return { page, ...words, ...lists } as unknown as Route;
}

function written(of: Route): string {
  const query = new URLSearchParams();
  if (of.page !== "overview") query.set("page", of.page);
  for (const name of WORDS) if (of[name]) query.set(name, of[name]);
  for (const name of LISTS) for (const value of of[name]) query.append(name, value);
  return query.toString();
}

export const route = signal(parse(location.search));
addEventListener("popstate", () => (route.value = parse(location.search)));

/** The address of the page with these changes, its filters kept. */
export function address(changes: Partial<Route>): string {
  const query = written({ ...route.peek(), ...changes });
  return `${location.pathname}${query && `?${query}`}${location.hash}`;
}

/** Another page, of which only the filters are kept. */
export function pageAddress(page: PageName, more: Partial<Route> = {}): string {
  return address({ id: "", q: "", sort: "", explain: "", at: "", day: "", known: "", page, ...more });
}

/** Go there; `replace` where going back should not stop at every step. */
export function go(to: string, replace = false): void {
  history[replace ? "replaceState" : "pushState"](null, "", to);
  route.value = parse(location.search);
}

/** Follow a link without loading the page again, unless the user wants a new tab. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element).closest("a");
  if (!link || link.target || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  if (link.origin !== location.origin || link.pathname !== location.pathname || link.hasAttribute("download")) return;
  event.preventDefault();
  const left = route.peek().page;
  go(link.href);
  if (route.peek().page !== left) scrollTo(0, 0);
}

export function change(changes: Partial<Route>, replace = false): void {
  go(address(changes), replace);
}

export function withoutFilters(): void {
  change(NO_FILTERS);
}

/** The filters as the API takes them. */
export const filterQuery = computed(() => queryOf(route.value));

export function queryOf(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.since) query.set("since", filters.since);
  if (filters.until) query.set("until", filters.until);
  for (const name of LISTS) for (const value of filters[name]) query.append(name, value);
  return query.toString();
}
