/** Figures as people read them: by the browser's locale, in the currency and the time zone that the API names. */

import { signal } from "@preact/signals";
import type { Cell, Figures } from "./types";

/** Signals, so that what is written before the first figures are there is written again. */
const currency = signal("USD");
const zone = signal("UTC");

export function speak(figures: Pick<Figures, "currency" | "time_zone">): void {
  currency.value = figures.currency;
  zone.value = figures.time_zone;
}

export const timeZone = (): string => zone.value;

const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function number(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.NumberFormat(undefined, options));
  return made.get(key) as Intl.NumberFormat;
}

function date(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(undefined, options));
  return made.get(key) as Intl.DateTimeFormat;
}

export const money = (amount: number): string => number({ style: "currency", currency: currency.value }).format(amount);
export const wholeMoney = (amount: number): string =>
  number({ style: "currency", currency: currency.value, maximumFractionDigits: 0 }).format(amount);
export const count = (amount: number): string => number({ maximumFractionDigits: 2 }).format(amount);
export const percent = (share: number): string => number({ style: "percent", maximumFractionDigits: 1 }).format(share);
export const signed = (change: number): string =>
  number({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" }).format(change);
const short = (amount: number): string => number({ notation: "compact", maximumFractionDigits: 1 }).format(amount);
const shortMoney = (amount: number): string =>
  number({ style: "currency", currency: currency.value, notation: "compact", maximumFractionDigits: 1 }).format(amount);

/** A day such as "2026-11-03", which has no time and so no zone. */
export const day = (iso: string): string =>
  date({ day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(`${iso}T00:00:00Z`));
export const shortDay = (iso: string): string =>
  date({ day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${iso}T00:00:00Z`));
export const month = (iso: string): string =>
  date({ month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(`${iso}-01T00:00:00Z`));
export const instant = (iso: string): string =>
  date({ dateStyle: "medium", timeStyle: "short", timeZone: zone.value }).format(new Date(iso));
export const clock = (at: number): string => date({ timeStyle: "medium", timeZone: zone.value }).format(at);
export const weekday = (iso: number): string =>
  date({ weekday: "short", timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, iso)));

export function duration(seconds: number): string {
  if (seconds < 1) return `${count(Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${number({ maximumFractionDigits: 1 }).format(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min${Math.round(seconds % 60) ? ` ${Math.round(seconds % 60)} s` : ""}`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

const UNITS: Record<string, (value: never) => string> = {
  currency: money,
  share: percent,
  change: signed,
  day,
  days: (value: number) => `${count(value)} days`,
  month,
  instant,
  seconds: duration,
};

/** A value of this unit in words; nothing known is a dash. */
export function shown(value: Cell | undefined, unit = "text"): string {
  if (value === null || value === undefined) return "—";
  if (UNITS[unit]) return UNITS[unit](value as never);
  if (typeof value === "number") return count(value);
  return String(value);
}

/** The same for the scale beside a chart. */
export function brief(value: number, unit: string): string {
  return unit === "currency" ? shortMoney(value) : unit === "share" ? percent(value) : short(value);
}

/** A value that identifies a bar; a missing one has a name. */
export const named = (value: Cell | undefined): string => (value === null || value === undefined ? "not known" : String(value));

/** The day so many days before another. */
export const daysBefore = (iso: string, days: number): string =>
  new Date(Date.parse(`${iso}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);

/** The instant at which a day of the reporting time zone ends. */
export function endOfDay(iso: string): string {
  const midnight = Date.parse(`${iso}T00:00:00Z`) + 86_400_000;
  const offset = (at: number): number => {
    const parts = date({ timeZone: zone.value, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" })
      .formatToParts(at)
      .reduce<Record<string, number>>((all, part) => ({ ...all, [part.type]: Number(part.value) }), {});
    const { year = 0, month: of = 1, day: on = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, of - 1, on, hour, minute, second) - at;
  };
  const guess = midnight - offset(midnight);
  return new Date(midnight - offset(guess) - 1).toISOString();
}

/** The day of the reporting time zone that an instant lies in. */
export function dayOf(iso: string): string {
  const parts = date({ timeZone: zone.value, year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(new Date(iso));
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}`;
}
