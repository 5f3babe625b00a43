/** How fast items were read of late, from how many were read at some moments. */

export interface Sample {
  at: number;
  read: number;
}

export interface Rate {
  at: number;
  perSecond: number;
}

/** How far back the chart looks at most, and at least, in milliseconds. */
export const SPAN = 5 * 60_000;
export const LEAST_SPAN = 30_000;
/** Samples that are closer say little: a commit of many batches would look like a peak. */
const LEAST = 900;

/** The samples with a new one, without those that are too old. One that is behind the last one comes late, and says nothing. */
export function noted(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (!last) return [sample];
  if (sample.read < last.read || sample.at - last.at < LEAST) return samples;
  const oldest = sample.at - SPAN;
  return [...samples.filter((kept) => kept.at >= oldest), sample];
}

/** The rate between each sample and the one before. */
export function rates(samples: readonly Sample[]): Rate[] {
  return samples.slice(1).map((sample, place) => {
    const before = samples[place] as Sample;
    return { at: sample.at, perSecond: ((sample.read - before.read) * 1000) / (sample.at - before.at) };
  });
}

/** The end of the chart's scale: the next of 1, 2, 5, 10, 20, … that is no less. */
export function scaleEnd(highest: number): number {
  if (highest <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const factor = [1, 2, 5, 10].find((factor) => factor * power >= highest) ?? 10;
  return factor * power;
}

/** How far back the chart has to look to show all rates. */
export function spanOf(found: readonly Rate[], now: number): number {
  const oldest = found[0]?.at ?? now;
  return Math.min(SPAN, Math.max(LEAST_SPAN, now - oldest));
}

/** The points of a line in a box, as an SVG path takes them: the newest at the right edge. */
export function points(
  found: readonly Rate[],
  now: number,
  width: number,
  height: number,
): [number, number][] {
  const span = spanOf(found, now);
  const end = scaleEnd(Math.max(0, ...found.map((rate) => rate.perSecond)));
  return found.map((rate) => [
    round(width * (1 - (now - rate.at) / span)),
    round(height * (1 - rate.perSecond / end)),
  ]);
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
