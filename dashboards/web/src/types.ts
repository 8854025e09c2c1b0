/** What the API answers, as far as the page reads it. */

export type Cell = string | number | boolean | null;
export type Item = Record<string, Cell>;
export type Panel = Item & { items?: Item[] };

export interface Figures {
  published_at: string | null;
  run_id: string | null;
  today: string;
  time_zone: string;
  currency: string;
  panels: Record<string, unknown>;
}

export interface Column {
  name: string;
  title: string;
  unit: string;
  description: string;
  /** It explains other columns, and is left out of tables. */
  detail: boolean;
  against: string | null;
  explains: string | null;
}

export interface Metric {
  name: string;
  title: string;
  description: string;
  unit: string;
  grain: string[];
  filters: string[];
  chart: string;
  explains: string | null;
  columns: Column[];
}

export interface List<T = Item> {
  items: T[];
  total: number;
  next: string | null;
}

export interface Explanation extends List {
  words: string;
  /** The column that explains what the sum is divided by or compared with. */
  against: string | null;
  value: number | string | null;
  sum: number;
  files: Item[];
  files_total?: number;
}

export interface Share {
  share_id: string;
  token?: string;
  path?: string;
  expires_at: string;
  view: { page?: string; filters?: Record<string, string | string[]> };
  filters_locked: boolean;
  personal: boolean;
}
