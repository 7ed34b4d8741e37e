// A form that is sent twice by two quick clicks goes out once: the second answer would say that it cannot be done again.
(() => {
  "use strict";
  const HOLD_MS = 3000; // a form whose answer is a file leaves its page as it is, and may be sent again after that
  let sent = new WeakMap();
  document.addEventListener(
    "submit",
    (event) => {
      if (event.target.method !== "post") return;
      const by = event.submitter ?? event.target;
      const now = performance.now();
      if (now - (sent.get(by) ?? -HOLD_MS) < HOLD_MS) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else sent.set(by, now);
    },
    true,
  );
  // Back by the browser's own button: the page is as it was, and so must be its forms.
  window.addEventListener("pageshow", () => (sent = new WeakMap()));
})();
