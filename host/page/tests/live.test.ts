import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, type Client, UNREACHED } from "../src/api/client";
import type { Activity, Status } from "../src/api/types";
import {
  activity,
  changes,
  connection,
  hear,
  occupied,
  planned,
  putBack,
  refresh,
  samples,
  setActivity,
  situation,
  status,
  trouble,
} from "../src/state/live";
import { session } from "../src/state/session";
import { ACTIVITY, atItem, NOTHING, PROGRESS, STATUS } from "./samples";

const FULL = new ApiError({ title: "Internal Server Error", status: 500, detail: "the disk is full" });
const AWAY = new ApiError({ title: "The server cannot be reached", status: UNREACHED });

const client = {
  activity: vi.fn(async (): Promise<Activity | null> => null),
  status: vi.fn(async (): Promise<Status> => STATUS),
  plan: vi.fn(async () => NOTHING),
  shadow: vi.fn(async () => null),
};

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  const known = { role: "admin" as const, version: "1", store: "lmdb:data", token: "t" };
  session.value = { ...known, client: client as unknown as Client };
});

afterEach(async () => {
  client.activity.mockImplementation(async () => null);
  client.status.mockImplementation(async () => STATUS);
  client.plan.mockImplementation(async () => NOTHING);
  // What waits for its time is over before the next test.
  await vi.advanceTimersByTimeAsync(10_000);
  await refresh();
  await vi.advanceTimersByTimeAsync(10_000);
  vi.useRealTimers();
});

function batch(read: number, number = 1) {
  const told = { event: "batch_committed", at: 0, activity: number, progress: { ...PROGRESS, read } };
  return { id: "1", name: "batch_committed", data: JSON.stringify(told) };
}

test("a problem is kept with the time of the last good answer, and goes with the next one", async () => {
  await refresh();
  expect(trouble.value).toBeNull();
  vi.setSystemTime(1_005_000);
  client.activity.mockRejectedValue(FULL);
  await refresh();
  expect(trouble.value).toEqual({ problem: FULL.problem, since: 1_000_000 });
  expect(connection.value).not.toBe("live");
  client.activity.mockResolvedValue(null);
  const before = changes.value;
  await refresh();
  expect(trouble.value).toBeNull();
  expect(changes.value).toBe(before + 1);
});

test("the status is taken where there is no word of the activity, and the other way round", async () => {
  client.activity.mockRejectedValue(FULL);
  client.status.mockResolvedValue({ ...STATUS, store: "lmdb:other" });
  await refresh();
  expect(status.value?.store).toBe("lmdb:other");
  client.status.mockRejectedValue(FULL);
  client.activity.mockResolvedValue(ACTIVITY);
  await refresh();
  expect(activity.value).toEqual(ACTIVITY);
  expect(status.value?.store).toBe("lmdb:other");
});

test("a plan that cannot be read is told, and does not make everything up to date", async () => {
  await refresh();
  client.plan.mockRejectedValue(FULL);
  await refresh();
  expect(planned.value).toEqual(NOTHING);
  expect(trouble.value?.problem).toEqual(FULL.problem);
});

test("whoever cannot be reached is asked once", async () => {
  client.activity.mockRejectedValue(AWAY);
  client.status.mockClear();
  await refresh();
  expect(connection.value).toBe("lost");
  expect(client.status).not.toHaveBeenCalled();
});

test("a store that only grows has lists not read again, and changes are told now and then", async () => {
  await refresh();
  const before = changes.value;
  await vi.advanceTimersByTimeAsync(10_000);
  client.status.mockResolvedValue({ ...STATUS, bytes: 77 });
  await refresh();
  expect(status.value?.bytes).toBe(77);
  expect(changes.value).toBe(before);
  for (let open = 1; open <= 5; open += 1) {
    const tallies = { items: 9, open, accepted: 0, waiting: 0 };
    const collections = [{ collection: "notes", app: "notes", level: null, indexes: [], ...tallies }];
    client.status.mockResolvedValue({ ...STATUS, collections });
    await refresh();
  }
  expect(changes.value).toBe(before + 1);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(changes.value).toBe(before + 2);
});

test("events take progress on; an answer that is behind them leaves it, and the chart", async () => {
  client.activity.mockResolvedValue(atItem(10));
  await refresh();
  vi.setSystemTime(1_001_000);
  hear(batch(50));
  vi.setSystemTime(1_002_000);
  client.activity.mockResolvedValue(atItem(40));
  await refresh();
  expect(activity.value?.progress?.read).toBe(50);
  expect(samples.value.map((sample) => sample.read)).toEqual([10, 50, 50]);
  hear(batch(900, 2));
  expect(activity.value?.progress?.read).toBe(50);
});

test("what was begun while an answer was on its way is not taken back by it", async () => {
  client.activity.mockImplementation(async () => {
    setActivity({ ...ACTIVITY, number: 8, run: 9 });
    return atItem(100, { state: "done" });
  });
  await refresh();
  expect(activity.value?.number).toBe(8);
});

test("items that fail do not have everything asked for again", async () => {
  await refresh();
  client.status.mockClear();
  const step = { app: "notes", version: "2.0.0", phase: "offline", step: "titles", collection: "notes" };
  const failed = { event: "item_failed", at: 0, activity: 1, step, id: "a", kind: "refused", reason: "no" };
  hear({ id: "1", name: "item_failed", data: JSON.stringify(failed) });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(client.status).not.toHaveBeenCalled();
  hear({ id: "2", name: "run_done", data: JSON.stringify({ event: "run_done", at: 0, run: 3, state: "x" }) });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(client.status).toHaveBeenCalled();
});

test("what an undo has put back is known until something else goes on", async () => {
  client.activity.mockResolvedValue({ ...ACTIVITY, purpose: "undo" });
  await refresh();
  const told = { event: "put_back", at: 0, activity: 1, run: 3, restored: 700, left: 2 };
  hear({ id: "1", name: "put_back", data: JSON.stringify(told) });
  expect(putBack.value).toMatchObject({ restored: 700, left: 2 });
  client.activity.mockResolvedValue({ ...ACTIVITY, number: 2 });
  await refresh();
  expect(putBack.value).toBeNull();
});

test("who is busy keeps others from beginning something", async () => {
  await refresh();
  expect(occupied.value).toBeUndefined();
  client.status.mockResolvedValue({ ...STATUS, busy: { holder: "db1, process 4711", purpose: "prune" } });
  await refresh();
  expect(occupied.value).toBe("db1, process 4711 is busy with prune");
  expect(situation.value?.title).toBe(occupied.value);
  client.activity.mockResolvedValue(ACTIVITY);
  await refresh();
  expect(occupied.value).toBe("Run 3 is going on");
});
