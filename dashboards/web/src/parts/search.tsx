/** Search for a customer by name, e-mail address or id. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { problemOf, read } from "../api";
import { go, pageAddress } from "../route";
import type { Item } from "../types";

const PAUSE_MS = 150;

export function Search() {
  const text = useSignal("");
  const found = useSignal<Item[] | null>(null);
  const trouble = useSignal("");
  const at = useSignal(0);
  useEffect(() => {
    const query = text.value.trim();
    found.value = null;
    if (!query) return;
    const timer = setTimeout(async () => {
      let [items, said]: [Item[], string] = [[], "Nobody found"];
      try {
        ({ items } = await read<{ items: Item[] }>(`search?limit=8&q=${encodeURIComponent(query)}`));
      } catch (thrown) {
        said = problemOf(thrown).message;
      }
      if (text.peek().trim() === query) [found.value, at.value, trouble.value] = [items, 0, said];
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text.value]);
  const open = (item: Item | undefined): void => {
    if (!item) return;
    text.value = "";
    go(pageAddress("customer", { id: String(item.customer_id) }));
  };
  const items = found.value;
  return (
    <div class="search" onFocusOut={(event) => !event.currentTarget.contains(event.relatedTarget as Node | null) && (found.value = null)}>
      <input
        type="search"
        placeholder="Name, e-mail or id"
        aria-label="Search customers"
        list={undefined}
        role="combobox"
        aria-expanded={items !== null}
        aria-controls="found"
        aria-autocomplete="list"
        aria-activedescendant={items?.length ? `found-${at.value}` : undefined}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          const last = (items?.length ?? 0) - 1;
          if (event.key === "ArrowDown") at.value = Math.min(at.value + 1, last);
          else if (event.key === "ArrowUp") at.value = Math.max(at.value - 1, 0);
          else if (event.key === "Enter") open(items?.[at.value]);
          else if (event.key === "Escape") text.value = "";
          else return;
          event.preventDefault();
        }}
      />
      <div id="found" role="listbox" aria-label="Customers found" hidden={items === null}>
        {items?.map((item, index) => (
          <div key={item.customer_id} id={`found-${index}`} role="option" aria-selected={index === at.value}
            onPointerDown={(event) => event.preventDefault()} onClick={() => open(item)}>
            <b>{[item.first_name, item.last_name].filter(Boolean).join(" ") || item.customer_id}</b>
            <span>{[item.email, item.customer_id].filter(Boolean).join(" · ")}</span>
          </div>
        ))}
        {items?.length === 0 && <div role="option" aria-selected="false" aria-disabled="true">{trouble.value}</div>}
      </div>
    </div>
  );
}
