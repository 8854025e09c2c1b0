/** Share what is shown by a signed link that expires, and take links back. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { problemOf, readList, send, type ApiError } from "../api";
import { instant } from "../format";
import { queryOf, route } from "../route";
import type { Share } from "../types";
import { Dialog } from "./dialog";
import { Trouble } from "./load";

type Listed = Share & { revoked_at: string | null; created_at: string };

/** The filters of the page as the body of a share holds them. */
function filters(): Record<string, string | string[]> {
  const query = new URLSearchParams(queryOf(route.peek()));
  return Object.fromEntries([...new Set(query.keys())].map((name) => [name, /^(since|until)$/.test(name) ? (query.get(name) ?? "") : query.getAll(name)]));
}

export function ShareDialog({ close }: { close: () => void }) {
  const days = useSignal(7);
  const locked = useSignal(true);
  const personal = useSignal(false);
  const made = useSignal("");
  const copied = useSignal(false);
  const shares = useSignal<Listed[]>([]);
  const error = useSignal<ApiError | null>(null);
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      error.value = null;
      shares.value = (await readList<Listed>("shares?limit=20")).items;
    } catch (failure) {
      error.value = problemOf(failure);
    }
  };
  useEffect(() => void attempt(async () => undefined), []);
  const create = (): Promise<void> =>
    attempt(async () => {
      const page = route.peek().page === "loyalty" ? "loyalty" : "overview";
      const body = { view: { page, filters: filters() }, expires_in_days: days.value, filters_locked: locked.value, personal: personal.value };
      const answer = await send("shares", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
      const { path } = (await answer.json()) as Share;
      made.value = new URL(path ?? "", location.href).href;
    });
  const revoke = (share: Listed): Promise<void> => attempt(async () => void (await send(`shares/${share.share_id}`, { method: "DELETE" })));
  const live = shares.value.filter((share) => !share.revoked_at && Date.parse(share.expires_at) > Date.now());
  return (
    <Dialog title="Share this view" close={close}>
      <p class="words">Whoever has the link can look at this page with its filters, and change nothing.</p>
      <form class="form" onSubmit={(event) => { event.preventDefault(); void create(); }}>
        <label>Valid for
          <select value={days.value} onChange={(event) => (days.value = Number(event.currentTarget.value))}>
            {[1, 7, 30, 90].map((each) => <option key={each} value={each}>{each === 1 ? "1 day" : `${each} days`}</option>)}
          </select>
        </label>
        <label><input type="checkbox" checked={locked.value} onChange={() => (locked.value = !locked.value)} /> Lock the filters</label>
        <label><input type="checkbox" checked={personal.value} onChange={() => (personal.value = !personal.value)} /> Show personal data</label>
        <button type="submit" class="primary">Create link</button>
      </form>
      <Trouble error={error.value} />
      {made.value && (
        <div class="form made">
          <input readOnly aria-label="Link" value={made.value} onFocus={(event) => event.currentTarget.select()} />
          <button type="button" onClick={() => void navigator.clipboard?.writeText(made.value).then(() => (copied.value = true))}>{copied.value ? "Copied" : "Copy"}</button>
          <p class="meaning">It is shown only now.</p>
        </div>
      )}
      <h3>Links in force</h3>
      {live.length === 0 ? <p class="empty">None.</p> : (
        <ul class="plain">
          {live.map((share) => (
            <li key={share.share_id}>
              <span>{share.view.page}, made {instant(share.created_at)}, until {instant(share.expires_at)}</span>
              <button type="button" onClick={() => void revoke(share)}>Revoke</button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
