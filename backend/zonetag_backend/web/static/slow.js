// A form that takes some seconds says so, with a bar that moves, and cannot be sent twice.
// With data-work it asks that address meanwhile how far it is (stage, done, total), and can be stopped.
(() => {
  "use strict";
  const ASK_MS = 500;
  for (const form of document.querySelectorAll("form[data-slow]")) {
    const box = document.createElement("div");
    const text = document.createElement("p");
    const bar = document.createElement("progress");
    const stop = document.createElement("button");
    const { slow, work } = form.dataset;
    box.className = "slow";
    text.setAttribute("role", "status");
    bar.setAttribute("aria-label", slow);
    stop.type = "button";
    stop.textContent = form.dataset.stop;
    form.append(box);
    const buttons = form.querySelectorAll("button");
    let timer = 0;
    let asking = 0;
    let far = "";

    const number = (of) => of.toLocaleString(document.documentElement.lang);
    const show = (told) => {
      const words = form.dataset[told.stage] ?? "";
      far = words.replace("{done}", number(told.done)).replace("{total}", number(told.total));
      if (told.stopping) far = form.dataset.stopping;
      if (told.total) {
        bar.max = told.total;
        bar.value = told.done;
      } else bar.removeAttribute("value");
    };
    const ask = async () => {
      try {
        const answer = await fetch(`${work}.json`);
        const told = answer.ok ? await answer.json() : {};
        if (told.known) show(told); // else the form has not arrived yet
      } catch {
        // The answer to the form itself will say what is wrong.
      }
      if (asking) asking = setTimeout(ask, ASK_MS);
    };
    stop.addEventListener("click", async () => {
      stop.disabled = true;
      try {
        const body = new URLSearchParams({ csrf: form.elements.csrf.value, act: "stop" });
        const answer = await fetch(work, { method: "POST", body, redirect: "manual" });
        stop.disabled = answer.type === "opaqueredirect"; // else it has not arrived yet: it may be tried again
      } catch {
        stop.disabled = false;
      }
    });
    form.addEventListener("submit", () => {
      const began = performance.now();
      const tell = () => {
        text.textContent = `${far || slow} · ${Math.round((performance.now() - began) / 1000)} s`;
      };
      tell();
      box.replaceChildren(bar, text, ...(work ? [stop] : []));
      // Not before the form has been put together: a disabled button sends no value.
      setTimeout(() => buttons.forEach((button) => (button.disabled = true)), 0);
      timer = setInterval(tell, 1000);
      if (work) asking = setTimeout(ask, ASK_MS);
    });
    // Back by the browser's own button: the page is as it was, and so must be the form.
    window.addEventListener("pageshow", () => {
      clearInterval(timer);
      clearTimeout(asking);
      asking = 0;
      far = "";
      stop.disabled = false;
      box.replaceChildren();
      buttons.forEach((button) => (button.disabled = false));
    });
  }
})();
