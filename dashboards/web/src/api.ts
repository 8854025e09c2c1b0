/** Requests of the API, all relative to the page's own address, so that they work below a stage path too. */

import { signal } from "@preact/signals";
import type { Item, List, Share } from "./types";

/** `status` 0: nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export const shareToken = new URLSearchParams(location.hash.slice(1)).get("share");
addEventListener("hashchange", () => location.reload());

/** The share that the page shows; null on one's own page. */
export const share = signal<Share | null>(null);
/** What the API asks for: an API Gateway key, a bearer token, or nothing. */
export const asked = signal<"key" | "token" | null>(null);

export const key = { get: () => sessionStorage.getItem("c360.key"), set: (to: string) => sessionStorage.setItem("c360.key", to) };
export const token = { get: () => sessionStorage.getItem("c360.token"), set: (to: string) => sessionStorage.setItem("c360.token", to) };

const PATIENCE_MS = 20_000;

/** What went wrong, whatever was thrown. */
export const problemOf = (thrown: unknown): ApiError => (thrown instanceof ApiError ? thrown : new ApiError(0, String(thrown)));
/** Whether it may work a moment later. */
export const passes = (problem: ApiError): boolean => problem.status === 0 || problem.status >= 500;

export async function send(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  const [withKey, withToken] = [key.get(), token.get()];
  if (withKey) headers.set("X-Api-Key", withKey);
  if (withToken) headers.set("Authorization", `Bearer ${withToken}`);
  if (shareToken) headers.set("X-Share-Token", shareToken);
  let response: Response;
  try {
    response = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new ApiError(0, "The API does not answer.");
  }
  if (response.ok || response.status === 304) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; request_id?: string };
  if (response.status === 401 && !shareToken) asked.value = "token";
  if (response.status === 403 && !problem.request_id) asked.value = "key";
  throw new ApiError(response.status, problem.detail ?? `The API answered ${response.status}.`);
}

export async function read<T>(path: string): Promise<T> {
  return (await (await send(path)).json()) as T;
}

/** One page of a list; `next` of its answer is the address of the next one. */
export async function readList<T = Item>(path: string): Promise<List<T>> {
  return read<List<T>>(path);
}

/** The path of a list's next page, relative as all paths are. */
export function nextPath(path: string, next: string | null): string | null {
  return next && `${path.split("?")[0]}?${next.split("?")[1] ?? ""}`;
}
