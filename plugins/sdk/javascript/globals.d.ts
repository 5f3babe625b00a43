/**
 * What there is in a component beside the language itself, for `"types": ["godwit/globals"]` in a `tsconfig.json`.
 *
 * @module
 */

import type { Log } from "godwit";

declare global {
  /** Writes lines for the operator that name no item. */
  var console: Log & { log(...parts: unknown[]): void };

  class TextDecoder {
    decode(bytes: Uint8Array): string;
  }

  class TextEncoder {
    encode(text: string): Uint8Array;
  }

  function atob(base64: string): string;
  function btoa(bytes: string): string;
}
