/** The page: header, filters, the chosen page, and the dialogs above it. */

import { batch, computed, signal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { ApiError, asked, key, read, share, shareToken, token } from "./api";
import { asOf, figures, old, refresh, stale, start, trouble } from "./figures";
import { clock, instant, timeZone } from "./format";
import { Customer } from "./pages/customer";
import { Customers, Orders, Rows } from "./pages/lists";
import { Loyalty } from "./pages/loyalty";
import { Overview } from "./pages/overview";
import { Pipeline } from "./pages/pipeline";
import { ExplainDialog, figureOf } from "./parts/explanation";
import { FilterBar } from "./parts/filters";
import { Search } from "./parts/search";
import { ShareDialog } from "./parts/sharing";
import { change, follow, pageAddress, route, type PageName } from "./route";
import type { Share } from "./types";

const SHOWN: Record<PageName, () => preact.JSX.Element> = { overview: Overview, loyalty: Loyalty, customers: Customers, orders: Orders, pipeline: Pipeline, customer: Customer, rows: Rows };
const TITLES: [PageName, string][] = [["overview", "Overview"], ["loyalty", "Loyalty"], ["customers", "Customers"], ["orders", "Orders"], ["pipeline", "Pipeline"]];
const SHARED: PageName[] = ["overview", "loyalty"];

const THEMES = ["auto", "light", "dark"] as const;
const theme = signal(localStorage.getItem("c360.theme") ?? "auto");
const sharing = signal(false);
const refused = signal<string | null>(null);
const title = computed(() => (route.value.page === "customer" ? route.value.id : route.value.page === "rows" ? figureOf(route.value.id, route.value.at).title : (TITLES.find(([name]) => name === route.value.page)?.[1] ?? "")));

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value as (typeof THEMES)[number]) + 1) % THEMES.length] ?? "auto";
  localStorage.setItem("c360.theme", theme.value);
}

function Header() {
  const { page } = route.value;
  const pages = shareToken ? TITLES.filter(([name]) => name === share.value?.view.page) : TITLES;
  return (
    <header class="top">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); event.stopPropagation(); document.getElementById("main")?.focus(); }}>To the figures</a>
      <div class="brand">
        <svg viewBox="0 0 20 20" width="22" height="22" aria-hidden="true"><rect width="20" height="20" rx="5" class="logo" /><path d="M10 4.5a5.5 5.5 0 1 0 5.5 5.5" class="ring" /></svg>
        Customer 360
      </div>
      <nav aria-label="Pages">
        {pages.map(([name, text]) => (
          <a key={name} href={pageAddress(name)} aria-current={page === name || (name === "customers" && page === "customer") ? "page" : undefined}>{text}</a>
        ))}
      </nav>
      <div class="actions">
        {!shareToken && <Search />}
        {!shareToken && SHARED.includes(page) && <button type="button" onClick={() => (sharing.value = true)}>Share</button>}
        <button type="button" onClick={nextTheme} aria-label={`Theme: ${theme.value}`} title={`Theme: ${theme.value}`}>{{ auto: "◐", light: "☀", dark: "☾" }[theme.value] ?? "◐"}</button>
      </div>
    </header>
  );
}

/** How fresh the figures are, and what is wrong where they are not. */
function Freshness() {
  const published = figures.value?.published_at;
  const late = stale.value && trouble.value;
  if (late && !figures.value) return <p class="trouble banner" role="alert">{late.message} Trying again every 10 seconds.</p>;
  if (late && (old.value || late.status !== 0)) {
    return <p class="trouble banner" role="alert">{late.message} These figures are of {clock(asOf.value)}; trying again every 10 seconds.</p>;
  }
  return (
    <p class="fresh" role="status">
      {figures.value && !published && "Nothing has been loaded yet. "}
      {published && <>Published {instant(published)} ({timeZone()})</>}
      {asOf.value > 0 && <span class="checked"> · checked {clock(asOf.value)}</span>}
    </p>
  );
}

/** What an API behind a key or a token is asked with; kept in this tab only. */
function Credentials() {
  const what = asked.value;
  if (!what) return null;
  return (
    <form class="panel wide form" onSubmit={(event) => {
      event.preventDefault();
      (what === "key" ? key : token).set(String(new FormData(event.currentTarget).get("secret")).trim());
      asked.value = null;
      location.reload();
    }}>
      <label>{what === "key" ? "API key" : "Access token"} <input name="secret" type="password" autocomplete="off" required /></label>
      <button type="submit" class="primary">Open</button>
      <p class="meaning">{what === "key" ? "`c360 outputs` prints it." : "Your sign-in service gives it."} It is kept in this tab until you close it.</p>
    </form>
  );
}

function App() {
  useEffect(() => {
    if (theme.value === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = theme.value;
  }, [theme.value]);
  useEffect(() => void (document.title = `${title.value} · Customer 360`), [title.value]);
  const { page, explain } = route.value;
  const Page = SHOWN[page];
  const gone = shareToken && !share.value;
  return (
    <div onClick={follow}>
      <Header />
      <main id="main" tabIndex={-1}>
        {refused.value ? (
          <section class="panel wide"><h1>This link opens nothing</h1><p role="alert">{refused.value}</p><p class="meaning">Ask whoever sent it for a new one.</p></section>
        ) : gone ? <div class="skeleton" /> : (
          <>
            <div class="heading">
              {page !== "customer" && <h1>{title.value}</h1>}
              {share.value && <p class="fresh">Shared view, until {instant(share.value.expires_at)}</p>}
              <Freshness />
            </div>
            {(page === "overview" || page === "loyalty") && <FilterBar dates={page === "overview"} lists={page === "overview" ? undefined : ["segment", "state"]} />}
            <Credentials />
            <div class="panels" key={page === "customer" ? route.value.id : page}><Page /></div>
          </>
        )}
      </main>
      {explain && !refused.value && <ExplainDialog key={explain + route.value.at} />}
      {sharing.value && <ShareDialog close={() => (sharing.value = false)} />}
    </div>
  );
}

/** Open the shared view before anything else is asked for: it says which filters may be. */
async function openShare(): Promise<void> {
  try {
    const found = await read<Share>("shares/current");
    const { filters = {}, page = "overview" } = found.view;
    const kept = found.filters_locked || !location.search;
    const lists = Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, /^(since|until)$/.test(name) ? String(value) : [value].flat()]));
    const none = { since: "", until: "", segment: [], state: [], category: [], status: [] };
    // together, so that nothing is asked for without the link's filters
    batch(() => {
      share.value = found;
      change({ ...(kept ? { ...none, ...lists } : {}), page: SHARED.includes(page as PageName) ? (page as PageName) : "overview" }, true);
    });
    void refresh();
  } catch (error) {
    if (error instanceof ApiError && (error.status === 0 || error.status >= 500)) {
      trouble.value = error;
      setTimeout(openShare, 5_000);
    } else refused.value = error instanceof Error ? error.message : String(error);
  }
}

const root = document.getElementById("app");
if (root) {
  start();
  render(<App />, root);
  if (shareToken) void openShare();
}

