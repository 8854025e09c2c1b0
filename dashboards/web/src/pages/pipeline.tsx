/** The pipeline: runs and their states against the limit, what became of each row, what waits, and the checks. */

import { useSignal } from "@preact/signals";
import { Lines } from "../charts/lines";
import { panel } from "../figures";
import { count, duration, instant, shown } from "../format";
import { Empty } from "../parts/panel";
import { Listed, Trouble, useAnswer } from "../parts/load";
import { Table, type TableColumn } from "../parts/table";
import { change, pageAddress, route } from "../route";
import type { Item, List } from "../types";

const ROWS: TableColumn[] = [
  { name: "rows_read", title: "Read", unit: "rows" },
  { name: "rows_loaded", title: "Loaded", unit: "rows" },
  { name: "rows_unchanged", title: "Unchanged", unit: "rows" },
  { name: "rows_duplicate", title: "Duplicate", unit: "rows" },
  { name: "rows_quarantined", title: "Quarantined", unit: "rows" },
];

const badge = (status: unknown) => <span class={`badge ${String(status)}`}>{String(status).toLowerCase().replace("_", " ")}</span>;

function balance(item: Item): string {
  const sum = ["rows_loaded", "rows_unchanged", "rows_duplicate", "rows_quarantined"].reduce((total, name) => total + Number(item[name] ?? 0), 0);
  return sum === Number(item.rows_read ?? 0) ? "adds up" : `off by ${count(Number(item.rows_read) - sum)}`;
}

function RunDetails({ id }: { id: string }) {
  const { answer, error } = useAnswer<Item & { steps: Item[]; object_versions: Item[] }>(`runs/${encodeURIComponent(id)}`, 10);
  const slowest = Math.max(0.001, ...(answer?.steps ?? []).map((step) => Number(step.seconds)));
  return (
    <section class="panel wide" aria-labelledby="run-title">
      <header>
        <div><h2 id="run-title">Run {id}</h2>{answer && <p class="meaning">{badge(answer.status)} {instant(String(answer.started_at))}{answer.seconds !== null && `, ${duration(Number(answer.seconds))}`}</p>}</div>
        <div class="tools"><button type="button" onClick={() => change({ id: "" })}>Close</button></div>
      </header>
      <div class="body">
        <Trouble error={error} />
        {answer && (
          <>
            {answer.error && <p class="trouble">{answer.error}</p>}
            <h3>State by state</h3>
            <Table label="Steps" items={answer.steps} columns={[
              { name: "step", title: "Step" },
              { name: "file", title: "File" },
              { name: "started_at", title: "Started", unit: "instant" },
              { name: "rows", title: "Rows", unit: "rows" },
              { name: "seconds", title: "Took", unit: "seconds" },
              { name: "share", title: "", show: (item) => <meter min={0} max={slowest} value={Number(item.seconds)} aria-label={`${item.step}: ${duration(Number(item.seconds))}`} /> },
            ]} />
            <h3>File by file</h3>
            <Table label="Files" items={answer.object_versions} columns={[
              { name: "file", title: "File" }, { name: "status", title: "Status", show: (item) => badge(item.status) }, ...ROWS,
              { name: "sum", title: "Balance", show: balance }, { name: "reason", title: "Reason" },
            ]} />
          </>
        )}
      </div>
    </section>
  );
}

function Quarantine() {
  const reasons = useAnswer<{ items: Item[] }>("quarantine/reasons", 10);
  const reason = useSignal("");
  const query = new URLSearchParams({ limit: "20", waiting: "true" });
  if (reason.value) query.set("reason", reason.value);
  return (
    <section class="panel half short" aria-labelledby="quarantine-title">
      <header><div><h2 id="quarantine-title">Quarantine</h2><p class="meaning">Rows that were set aside with every reason, until they are mended and replayed.</p></div></header>
      <div class="body">
        <Trouble error={reasons.error} />
        {reasons.answer && reasons.answer.items.length > 0 && (
          <div class="spans" role="group" aria-label="Reason">
            <button type="button" aria-pressed={!reason.value} onClick={() => (reason.value = "")}>All</button>
            {reasons.answer.items.map((item) => (
              <button key={item.reason} type="button" aria-pressed={reason.value === item.reason} onClick={() => (reason.value = String(item.reason))}>
                {item.reason} <b>{shown(item.waiting)}</b>
              </button>
            ))}
          </div>
        )}
        <Listed path={`quarantine?${query}`} what="rows waiting">
          {(items) => <Table label="Rows in quarantine" items={items} columns={[
            { name: "file", title: "File" },
            { name: "line", title: "Line", show: (item) => (item.line === null ? `row ${item.row}` : shown(item.line)) },
            { name: "reasons", title: "Reasons", show: (item) => (item.reasons as unknown as string[]).join(", ") },
            { name: "run_id", title: "Run", show: (item) => <a href={pageAddress("pipeline", { id: String(item.run_id) })}>{String(item.run_id).slice(0, 13)}</a> },
          ]} />}
        </Listed>
      </div>
    </section>
  );
}

function Checks() {
  const latest = useAnswer<List>("quality?latest=true&limit=100", 10);
  const chosen = useSignal("");
  const past = useAnswer<List>(chosen.value ? `quality?rule=${encodeURIComponent(chosen.value)}&limit=30` : null);
  const items = [...(latest.answer?.items ?? [])].sort((one, other) => Number(one.passed) - Number(other.passed));
  return (
    <section class="panel half" aria-labelledby="checks-title">
      <header><div><h2 id="checks-title">Checks</h2><p class="meaning">What the checks of the last run found; open one to see its history.</p></div></header>
      <div class="body">
        <Trouble error={latest.error} />
        {chosen.value && past.answer && (
          <div class="past">
            <h3>{chosen.value}</h3>
            <Table label={`History of ${chosen.value}`} items={past.answer.items} columns={[
              { name: "checked_at", title: "Checked", unit: "instant" },
              { name: "source", title: "Source" },
              { name: "passed", title: "Result", show: (item) => badge(item.passed ? "passed" : item.severity) },
              { name: "measured", title: "Measured", unit: "number" },
              { name: "threshold", title: "Limit" },
            ]} />
          </div>
        )}
        {latest.answer && (items.length ? <Table label="Checks" items={items} most={12} columns={[
          { name: "rule", title: "Rule", show: (item) => <button type="button" class="figure" aria-label={`History of ${item.rule}`} onClick={() => (chosen.value = String(item.rule))}>{item.rule}</button> },
          { name: "passed", title: "Result", show: (item) => badge(item.passed ? "passed" : item.severity) },
          { name: "observed", title: "Observed", show: (item) => <span class="text">{shown(item.observed)}</span> },
        ]} /> : <Empty>No run has been checked yet.</Empty>)}
      </div>
    </section>
  );
}

export function Pipeline() {
  const health = panel("pipeline-health");
  const quality = panel("quality-health");
  const runs = useAnswer<List>("runs?limit=30", 10);
  const items = runs.answer?.items ?? [];
  const ended = [...items].reverse().filter((run) => run.seconds !== null);
  return (
    <>
      <div class="cards">
        <article class="card"><h2>Last load</h2><p class="big">{health ? (health.status ? badge(health.status) : "—") : <span class="skeleton" />}</p><p class="under meaning">{health?.finished_at ? instant(String(health.finished_at)) : ""}</p></article>
        <article class="card"><h2>It took</h2><p class="big">{health ? (health.seconds === null ? "—" : duration(Number(health.seconds))) : <span class="skeleton" />}</p><p class="under meaning">{health && `at most ${duration(Number(health.sla_seconds))} allowed`}</p></article>
        <article class="card"><h2>Runs in 30 days</h2><p class="big">{health ? count(Number(health.runs_30_days)) : <span class="skeleton" />}</p><p class="under meaning">{health && `${count(Number(health.failed_30_days))} failed, ${count(Number(health.over_sla_30_days))} late`}</p></article>
        <article class="card"><h2>Checks passed</h2><p class="big">{quality ? count(Number(quality.passed)) : <span class="skeleton" />}</p><p class="under meaning">{quality && `${count(Number(quality.warnings))} warn, ${count(Number(quality.errors))} failed`}</p></article>
      </div>
      {route.value.id && <RunDetails id={route.value.id} />}
      <section class="panel wide" aria-labelledby="durations-title">
        <header><div><h2 id="durations-title">Durations</h2><p class="meaning">How long each run took; the limit is {health ? duration(Number(health.sla_seconds)) : "…"}.</p></div></header>
        <div class="body">
          {ended.length > 1 && <Lines label="Durations of runs" height={180} scale={(seconds) => duration(seconds)} points={ended.map((run) => ({
            label: String(run.run_id), tick: instant(String(run.started_at)).split(",")[0] ?? "", value: Number(run.seconds),
            text: `${duration(Number(run.seconds))}, ${run.within_sla ? "in time" : "late"}`, pick: () => change({ id: String(run.run_id) }),
          }))} />}
          <Trouble error={runs.error} />
          {runs.answer && (items.length === 0 ? <Empty>Nothing has been loaded yet.</Empty> : <Table label="Runs" items={items} columns={[
            { name: "run_id", title: "Run", show: (item) => <a href={pageAddress("pipeline", { id: String(item.run_id) })}>{item.run_id}</a> },
            { name: "status", title: "Status", show: (item) => badge(item.status) },
            { name: "started_at", title: "Started", unit: "instant" },
            { name: "seconds", title: "Took", unit: "seconds" },
            { name: "within_sla", title: "Limit", show: (item) => (item.within_sla === null ? "—" : item.within_sla ? "in time" : "late") },
            { name: "files", title: "Files", unit: "number" }, ...ROWS,
            { name: "sum", title: "Balance", show: balance },
          ]} />)}
        </div>
      </section>
      <Quarantine />
      <Checks />
    </>
  );
}
