/** Tables, of panels and of lists. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { shown } from "../format";
import type { Cell, Item } from "../types";

export interface TableColumn {
  name: string;
  title: string;
  unit?: string;
  show?: (item: Item) => ComponentChildren;
}

const NUMBERS = new Set(["currency", "orders", "customers", "products", "lines", "pieces", "share", "change", "days", "seconds", "rows", "number"]);

/** `most`: how many rows are shown until somebody asks for all. */
export function Table(props: { label: string; columns: TableColumn[]; items: Item[]; most?: number }) {
  const all = useSignal(false);
  const most = props.most ?? Infinity;
  const cut = !all.value && props.items.length > most + 2;
  return (
    <>
    <div class="scroll" tabIndex={0} role="group" aria-label={props.label}>
      <table>
        <caption class="unseen">{props.label}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.name} scope="col" class={NUMBERS.has(column.unit ?? "") ? "number" : undefined}>{column.title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(cut ? props.items.slice(0, most) : props.items).map((item, index) => (
            <tr key={index}>
              {props.columns.map((column) => (
                <td key={column.name} class={NUMBERS.has(column.unit ?? "") ? "number" : undefined}>
                  {column.show ? column.show(item) : shown(item[column.name] as Cell, column.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    {cut && <button type="button" class="more" onClick={() => (all.value = true)}>Show all {props.items.length}</button>}
    </>
  );
}
