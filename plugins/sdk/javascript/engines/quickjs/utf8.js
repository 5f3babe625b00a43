// QuickJS has neither; these keep the loops over bytes native.

globalThis.TextDecoder = class TextDecoder {
  decode(bytes) {
    return decodeURIComponent(escape(atob(bytes.toBase64())));
  }
};

globalThis.TextEncoder = class TextEncoder {
  encode(text) {
    return Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(text))));
  }
};
