/** What is read once for a page: its answer, and the states until then. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { nextPath, passes, problemOf, readList, read, type ApiError } from "../api";
import { count } from "../format";
import type { Item, List } from "../types";

const AGAIN_SECONDS = 10;

/** The answer to `path`, asked again when it changes, every `seconds`, and while the API is away; the last one stays. */
export function useAnswer<T>(path: string | null, seconds = 0): { answer: T | null; error: ApiError | null } {
  const state = useSignal<{ path: string | null; answer: T | null; error: ApiError | null }>({ path: null, answer: null, error: null });
  useEffect(() => {
    if (path === null) return;
    let isCurrent = true;
    let again = 0;
    const ask = async (): Promise<void> => {
      if (document.hidden && state.peek().answer) return;
      try {
        const answer = await read<T>(path);
        if (isCurrent) state.value = { path, answer, error: null };
      } catch (error) {
        const problem = problemOf(error);
        if (!isCurrent) return;
        state.value = { path, answer: problem.status ? null : state.peek().answer, error: problem };
        if (passes(problem) && !seconds) again = setTimeout(ask, AGAIN_SECONDS * 1000);
      }
    };
    void ask();
    const timer = seconds ? setInterval(ask, seconds * 1000) : 0;
    return () => {
      isCurrent = false;
      clearInterval(timer);
      clearTimeout(again);
    };
  }, [path, seconds]);
  return { answer: state.value.answer, error: state.value.error };
}

export function Trouble({ error }: { error: ApiError | null }) {
  return error && <p class="trouble" role="alert">{error.message}</p>;
}

/** A list that grows by its next pages. */
export function Listed(props: { path: string; what: string; given?: List; children: (items: Item[]) => ComponentChildren }) {
  const first = useAnswer<List>(props.given ? null : props.path);
  const more = useSignal<{ path: string; items: Item[]; next: string | null } | null>(null);
  const error = useSignal<ApiError | null>(null);
  const later = more.value?.path === props.path ? more.value : null;
  const answer = props.given ?? first.answer;
  if (!answer) return first.error ? <Trouble error={first.error} /> : <div class="skeleton" aria-hidden="true" />;
  const items = [...answer.items, ...(later?.items ?? [])];
  const next = nextPath(props.path, later ? later.next : answer.next);
  const load = async (): Promise<void> => {
    if (!next) return;
    try {
      const page = await readList(next);
      more.value = { path: props.path, items: [...(later?.items ?? []), ...page.items], next: page.next };
      error.value = null;
    } catch (thrown) {
      error.value = problemOf(thrown);
    }
  };
  return (
    <>
      <p class="meaning" role="status">{items.length < answer.total ? `${count(items.length)} of ${count(answer.total)}` : count(answer.total)} {props.what}</p>
      {items.length ? props.children(items) : <p class="empty">None.</p>}
      <Trouble error={error.value} />
      {next && <button type="button" class="more" onClick={() => void load()}>Show more</button>}
    </>
  );
}
