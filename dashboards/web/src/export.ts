/** Files for the user: CSV, safe to open in a spreadsheet, and PNG of what is on the screen. */

import type { Cell } from "./types";

function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export const saveResponse = async (response: Response, name: string): Promise<void> => save(await response.blob(), name);

/** Text that a spreadsheet would take for a formula gets an apostrophe before it, as in the API's files. */
function quoted(cell: Cell): string {
  const text = cell === null ? "" : String(cell);
  const safe = typeof cell === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function saveCsv(header: string[], rows: Cell[][], name: string): void {
  const text = [header, ...rows].map((row) => row.map(quoted).join(",")).join("\r\n");
  save(new Blob([`\uFEFF${text}\r\n`], { type: "text/csv;charset=utf-8" }), `${name}.csv`);
}

const PAINT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight"];
const SHARP = 2;

/** The panel's charts or tables on its own background. */
export async function savePng(panel: Element, name: string): Promise<void> {
  const outer = panel.getBoundingClientRect();
  const canvas = document.createElement("canvas");
  canvas.width = outer.width * SHARP;
  canvas.height = outer.height * SHARP;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.scale(SHARP, SHARP);
  pen.translate(-outer.left, -outer.top);
  pen.fillStyle = getComputedStyle(panel).backgroundColor;
  pen.fillRect(outer.left, outer.top, outer.width, outer.height);
  for (const element of panel.querySelectorAll("h2, h3, p, th, td")) write(pen, element);
  for (const svg of panel.querySelectorAll(".body svg")) {
    const place = svg.getBoundingClientRect();
    if (place.width) pen.drawImage(await picture(svg as SVGSVGElement), place.left, place.top, place.width, place.height);
  }
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (blob) save(blob, `${name}.png`);
}

function write(pen: CanvasRenderingContext2D, element: Element): void {
  const place = element.getBoundingClientRect();
  const look = getComputedStyle(element);
  if (place.width < 2 || element.closest(".unseen")) return;
  pen.fillStyle = look.backgroundColor;
  pen.fillRect(place.left, place.top, place.width, place.height);
  pen.fillStyle = look.color;
  pen.font = `${look.fontWeight} ${look.fontSize} ${look.fontFamily}`;
  pen.textBaseline = "middle";
  pen.fillText(element.textContent ?? "", place.left + parseFloat(look.paddingLeft), place.top + place.height / 2, place.width);
}

async function picture(svg: SVGSVGElement): Promise<HTMLImageElement> {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, index) => {
    const look = getComputedStyle(from[index] as Element);
    for (const property of PAINT) element.setAttribute(property, look.getPropertyValue(property));
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return image;
}
