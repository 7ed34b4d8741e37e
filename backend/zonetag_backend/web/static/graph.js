// On a narrow screen the drawing of who met whom begins where the first F1 stands, not at the case alone.
(() => {
  "use strict";
  const MARGIN = 8; // px beside the box
  const begin = () => {
    for (const drawing of document.querySelectorAll(".drawing:not([data-begun])")) {
      const first = drawing.querySelector(".g1");
      if (first === null) continue;
      drawing.dataset.begun = ""; // from here on it is the reader who scrolls
      const frame = drawing.getBoundingClientRect();
      const box = first.getBoundingClientRect();
      drawing.scrollLeft += Math.max(0, box.right + MARGIN - frame.right);
      if (box.bottom > frame.bottom) drawing.scrollTop += box.top - frame.top - MARGIN;
    }
  };
  begin();
  document.body.addEventListener("htmx:afterSettle", begin); // the drawing comes when the trace is done
})();
