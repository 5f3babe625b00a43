import { expect, test } from "vitest";
import { href, parseRoute } from "../src/routes";
import { tokenOf } from "../src/state/session";

test("a route leads back to what it was made of", () => {
  const about = ["notes", "a/b#c?d%20 ä"];
  expect(parseRoute(href("quarantine", ...about))).toEqual({ view: "quarantine", about });
  expect(parseRoute("#/run")).toEqual({ view: "run", about: [] });
});

test("what is unknown or broken leads somewhere all the same", () => {
  expect(parseRoute("")).toEqual({ view: "overview", about: [] });
  expect(parseRoute("#/nowhere").view).toBe("overview");
  expect(parseRoute("#/runs/%E0%A4").about).toEqual(["%E0%A4"]);
});

test("a token is taken from a fragment of its own only", () => {
  expect(tokenOf("#token=a%2Bb")).toBe("a+b");
  expect(tokenOf("#token=")).toBeUndefined();
  expect(tokenOf("#/run")).toBeUndefined();
});
