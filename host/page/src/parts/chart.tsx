import { rate, seconds } from "../format";
import { points, type Rate, rates, type Sample, scaleEnd, spanOf } from "../state/rate";

const WIDTH = 600;
const HEIGHT = 120;

/** How fast items were read over the last minutes: a line, and in words. */
export function RateChart({ samples, now }: { samples: readonly Sample[]; now: number }) {
  const found = rates(samples);
  if (found.length < 2) return <p class="empty">The chart begins once two rates are known.</p>;
  const end = scaleEnd(Math.max(...found.map((one) => one.perSecond)));
  const summary = inWords(found);
  return (
    <figure class="chart">
      <figcaption>{summary}</figcaption>
      <div class="plot">
        <div class="scale" aria-hidden="true">
          <span>{rate(end)}</span>
          <span>{rate(end / 2)}</span>
          <span>0</span>
        </div>
        <Plot found={found} now={now} label={summary} />
        <div class="times" aria-hidden="true">
          <span>{seconds(spanOf(found, now) / 1000)} ago</span>
          <span>now</span>
        </div>
      </div>
    </figure>
  );
}

function Plot({ found, now, label }: { found: Rate[]; now: number; label: string }) {
  const line = points(found, now, WIDTH, HEIGHT);
  const path = `M${line.map(([x, y]) => `${x} ${y}`).join("L")}`;
  const [first, last] = [line[0]?.[0] ?? 0, line.at(-1)?.[0] ?? 0];
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {[0, 0.5, 1].map((part) => (
        <line key={part} class="grid" x1="0" x2={WIDTH} y1={part * HEIGHT} y2={part * HEIGHT} />
      ))}
      <path class="area" d={`${path}L${last} ${HEIGHT}L${first} ${HEIGHT}Z`} />
      <path class="line" d={path} />
    </svg>
  );
}

function inWords(found: Rate[]): string {
  const all = found.map((one) => one.perSecond);
  const [now, highest, lowest] = [all.at(-1), Math.max(...all), Math.min(...all)];
  return `Items a second: ${rate(now)} now, ${rate(highest)} at most, ${rate(lowest)} at least.`;
}
