/** Where the focus goes when what had it is gone: a row, or a button that is not offered any more. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

const PANEL = ".panel";

/** Has the heading of the panel, or of the view, take the focus of what goes. */
export function useKeptFocus(within: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const root = within.current;
    if (!root) return;
    let last: { element: Element; panel: Element | null } | null = null;
    const note = ({ target }: FocusEvent) => {
      if (target instanceof Element) last = { element: target, panel: target.closest(PANEL) };
    };
    const observer = new MutationObserver(() => {
      if (!last || last.element.isConnected) return;
      const { panel } = last;
      last = null;
      // Whoever has gone on is left where they are.
      if (document.activeElement !== document.body) return;
      const heading = panel?.isConnected ? panel.querySelector("h2") : root.querySelector("h1");
      heading?.focus({ preventScroll: true });
    });
    root.addEventListener("focusin", note);
    observer.observe(root, { childList: true, subtree: true });
    return () => {
      root.removeEventListener("focusin", note);
      observer.disconnect();
    };
  }, [within]);
}
