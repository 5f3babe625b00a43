import { expect, test } from "vitest";
import { LEAST_SPAN, noted, points, rates, type Sample, SPAN, scaleEnd, spanOf } from "../src/state/rate";

function samplesOf(...seen: [at: number, read: number][]): readonly Sample[] {
  return seen.reduce<readonly Sample[]>((samples, [at, read]) => noted(samples, { at, read }), []);
}

test("a rate is what was read between two samples", () => {
  const found = rates(samplesOf([0, 0], [1000, 500], [3000, 2500], [4000, 2500]));
  expect(found).toEqual([
    { at: 1000, perSecond: 500 },
    { at: 3000, perSecond: 1000 },
    { at: 4000, perSecond: 0 },
  ]);
});

test("one sample is no rate", () => {
  expect(rates(samplesOf([0, 10]))).toEqual([]);
});

test("samples that are too close are left out, and nothing that was read is lost", () => {
  expect(rates(samplesOf([0, 0], [10, 400], [1000, 500]))).toEqual([{ at: 1000, perSecond: 500 }]);
});

test("what is too old is forgotten", () => {
  expect(samplesOf([0, 0], [1000, 1], [SPAN + 500, 2]).map((sample) => sample.at)).toEqual([
    1000,
    SPAN + 500,
  ]);
});

test("a sample that is behind the last one leaves the chart as it is", () => {
  expect(samplesOf([0, 100], [1000, 200], [2000, 5], [3000, 400])).toEqual([
    { at: 0, read: 100 },
    { at: 1000, read: 200 },
    { at: 3000, read: 400 },
  ]);
});

test("the scale ends at a round number that is no less", () => {
  expect([0, 1, 1.5, 2, 3, 7, 10, 11, 4200].map(scaleEnd)).toEqual([1, 1, 2, 2, 5, 10, 10, 20, 5000]);
});

test("the line goes to the right edge, and up to the end of the scale", () => {
  const found = [
    { at: 0, perSecond: 50 },
    { at: SPAN, perSecond: 100 },
  ];
  expect(points(found, SPAN, 600, 100)).toEqual([
    [0, 50],
    [600, 0],
  ]);
});

test("the chart looks as far back as there are rates, within bounds", () => {
  const span = (ago: number) => spanOf([{ at: 1e9 - ago, perSecond: 1 }], 1e9);
  expect(span(10)).toBe(LEAST_SPAN);
  expect(span(90_000)).toBe(90_000);
  expect(span(2 * SPAN)).toBe(SPAN);
});
