// A form that takes some seconds says so, with a bar that moves, and cannot be sent twice.
(() => {
  "use strict";
  for (const form of document.querySelectorAll("form[data-slow]")) {
    const box = document.createElement("div");
    const text = document.createElement("p");
    const bar = document.createElement("progress");
    box.className = "slow";
    box.setAttribute("role", "status");
    bar.setAttribute("aria-label", form.dataset.slow);
    form.append(box);
    const buttons = form.querySelectorAll("button");
    let timer = 0;
    form.addEventListener("submit", () => {
      const began = performance.now();
      const tell = () => {
        text.textContent = `${form.dataset.slow} ${Math.round((performance.now() - began) / 1000)} s`;
      };
      tell();
      box.replaceChildren(bar, text);
      // Not before the form has been put together: a disabled button sends no value.
      setTimeout(() => buttons.forEach((button) => (button.disabled = true)), 0);
      timer = setInterval(tell, 1000);
    });
    // Back by the browser's own button: the page is as it was, and so must be the form.
    window.addEventListener("pageshow", () => {
      clearInterval(timer);
      box.replaceChildren();
      buttons.forEach((button) => (button.disabled = false));
    });
  }
})();
