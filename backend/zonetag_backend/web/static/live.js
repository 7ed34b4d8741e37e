// Keeps the stream of /live open, tells htmx to ask again when something changed, and says when the connection is lost.
(() => {
  "use strict";
  const RETRY_MS = 2000; // after a stream that ended for good, doubled up to RETRY_MOST_MS
  const RETRY_MOST_MS = 15000;
  const SILENCE_MS = 16000; // three signs of life missed

  const status = document.getElementById("connection");
  if (!status) return;
  const text = document.getElementById("connection-text");
  const now = document.getElementById("now");
  const words = { waiting: "textWaiting", live: "textLive", lost: "textLost" };
  let source = null;
  let heard = 0;
  let wait = RETRY_MS;
  let retry = 0;

  const show = (state) => {
    if (status.dataset.state === state) return;
    status.dataset.state = state;
    text.textContent = status.dataset[words[state]];
  };

  const take = (event) => {
    heard = performance.now();
    wait = RETRY_MS;
    show("live");
    now.textContent = JSON.parse(event.data).now;
    if (event.type === "changed") document.body.dispatchEvent(new CustomEvent("zonetag-changed"));
  };

  const close = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  };

  const open = () => {
    close();
    heard = performance.now();
    if (status.dataset.state === "still") show("waiting");
    source = new EventSource(status.dataset.live);
    source.addEventListener("changed", take);
    source.addEventListener("tick", take);
    source.onerror = () => {
      show("lost");
      if (source && source.readyState === EventSource.CLOSED) again(); // else the browser itself comes back
    };
  };

  const again = () => {
    close();
    show("lost");
    retry = setTimeout(open, wait);
    wait = Math.min(2 * wait, RETRY_MOST_MS);
  };

  setInterval(() => {
    if (source && performance.now() - heard > SILENCE_MS) again();
  }, 2000);
  // A browser allows few streams to one host; a page that nobody looks at gives its own back.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && open());
  if (!document.hidden) open();
})();
