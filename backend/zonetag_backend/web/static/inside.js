// The evacuation list: from the first tick on it stands still, for whoever has gone out must not vanish from it unticked.
(() => {
  "use strict";
  const held = document.getElementById("held");
  let still = false;
  document.addEventListener("change", (event) => {
    if (!event.target.matches(".box input")) return;
    still = true;
    held.hidden = false;
  });
  const stop = (event) => {
    if (still) event.preventDefault();
  };
  document.body.addEventListener("htmx:beforeRequest", stop);
  document.body.addEventListener("htmx:beforeSwap", stop); // an answer that was under way
  const print = document.getElementById("print");
  print.parentElement.hidden = false; // without scripts the browser's own menu prints
  print.addEventListener("click", () => window.print());
})();
