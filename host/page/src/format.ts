/** Numbers, times and foreign text for people. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const dateAndTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const timeOfDay = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

const NONE = "–";

/** What is shown of a value that may not be known. */
export function known<T, S>(value: T | null, show: (value: T) => S): S | string {
  return value === null ? NONE : show(value);
}

export function count(number: number): string {
  return whole.format(number);
}

/** A number with what it counts, in the singular or the plural. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return NONE;
  return perSecond < 10 ? perSecond.toFixed(1) : whole.format(perSecond);
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

export function bytes(number: number | null | undefined): string {
  if (number === null || number === undefined) return NONE;
  let unit = 0;
  let size = number;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}

/** A span of time, to the two largest units. */
export function seconds(span: number | null | undefined): string {
  if (span === null || span === undefined || !Number.isFinite(span)) return NONE;
  const total = Math.max(0, Math.round(span));
  const [days, hours] = [Math.floor(total / 86_400), Math.floor(total / 3600) % 24];
  const [minutes, rest] = [Math.floor(total / 60) % 60, total % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${rest} s`;
  return span > 0 && span < 1 ? "< 1 s" : `${rest} s`;
}

export function milliseconds(span: number): string {
  return span < 1000 ? `${Math.round(span)} ms` : seconds(span / 1000);
}

/** The time of the day. */
export function clock(at: number): string {
  return timeOfDay.format(at);
}

export function time(at: number): string {
  return dateAndTime.format(at);
}

/** A share as whole percent. It says 100 only where nothing is left, and 0 only where nothing is done. */
export function percent(done: number, total: number): number {
  if (total <= 0) return 0;
  if (done >= total) return 100;
  return done > 0 ? Math.min(99, Math.max(1, Math.round((done / total) * 100))) : 0;
}

// Characters that nobody sees, or that turn round what is around them: an id must not pass for another one.
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu;

/** Text from a document on one line, with what cannot be seen written as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (hidden) => `\\u{${hidden.codePointAt(0)?.toString(16)}}`);
}

/** The start of a text from a document, on one line. */
export function brief(text: string, longest = 160): string {
  const line = visible(text.replace(/\s+/g, " "));
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

/** The start of a digest, enough to tell two apart. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}
