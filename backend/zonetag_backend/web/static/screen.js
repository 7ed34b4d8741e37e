// The screen at a door: shows for some seconds who was heard.  Runs for months: it keeps no list, and reuses its cards.
(() => {
  "use strict";
  const SHOWN_MS = 6000; // one greeting
  const MOST = 4; // greetings at once; a fifth takes the place of the oldest
  const SILENCE_MS = 16000; // three signs of life missed
  const RETRY_MS = 2000;
  const RETRY_MOST_MS = 15000;

  const body = document.body;
  const list = document.getElementById("heard");
  const idle = document.getElementById("idle");
  const now = document.getElementById("now");
  const inside = document.getElementById("inside");
  const lost = document.getElementById("lost");
  const button = document.getElementById("sound");
  const timers = new WeakMap();
  let source = null;
  let alive = 0;
  let wait = RETRY_MS;
  let retry = 0;
  let last = 0; // id of the last greeting: none is shown twice after a reconnection
  let audio = null;

  // A browser makes no sound before somebody has touched the page once.
  button.addEventListener("click", () => {
    audio = audio || new AudioContext();
    audio.resume();
    button.textContent = button.dataset.on;
    button.classList.add("on");
    tone([660, 880]);
  });

  const tone = (notes) => {
    if (!audio || audio.state !== "running") return;
    notes.forEach((hertz, n) => {
      const from = audio.currentTime + n * 0.14;
      const voice = audio.createOscillator();
      const loud = audio.createGain();
      voice.frequency.value = hertz;
      loud.gain.setValueAtTime(0.25, from);
      loud.gain.exponentialRampToValueAtTime(0.001, from + 0.25);
      voice.connect(loud).connect(audio.destination);
      voice.onended = () => loud.disconnect();
      voice.start(from);
      voice.stop(from + 0.26);
    });
  };
  const TONES = { heard: [660, 880], battery: [660, 660], desk: [330, 262] };

  const greet = (one) => {
    const card = list.children.length >= MOST ? list.firstElementChild : document.createElement("li");
    clearTimeout(timers.get(card));
    card.className = one.what;
    const who = document.createElement("b");
    const what = document.createElement("span");
    who.textContent = one.who || list.dataset[one.what];
    what.textContent = one.what === "heard" ? (one.who ? list.dataset.heard : "") : list.dataset[one.what + "More"];
    card.replaceChildren(who, what);
    list.append(card);
    timers.set(card, setTimeout(() => { card.remove(); rest(); }, SHOWN_MS));
    tone(TONES[one.what] || []);
  };

  const rest = () => { idle.hidden = list.children.length > 0; };

  const show = (state) => {
    body.dataset.state = state;
    lost.hidden = state !== "lost";
  };

  const take = (event) => {
    alive = performance.now();
    wait = RETRY_MS;
    show("live");
    const state = JSON.parse(event.data);
    now.textContent = state.now;
    if (inside && state.inside !== null) inside.textContent = state.inside;
    for (const one of state.heard) {
      if (one.id <= last) continue;
      last = one.id;
      greet(one);
    }
    rest();
  };

  const hello = (event) => {
    if (JSON.parse(event.data).build !== body.dataset.build) location.reload(); // the server was updated
  };

  const close = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  };

  const open = () => {
    close();
    alive = performance.now();
    source = new EventSource(body.dataset.live);
    source.addEventListener("hello", hello);
    source.addEventListener("state", take);
    source.onerror = () => {
      show("lost");
      if (source && source.readyState === EventSource.CLOSED) again();
    };
  };

  const again = () => {
    close();
    show("lost");
    retry = setTimeout(open, wait);
    wait = Math.min(2 * wait, RETRY_MOST_MS);
  };

  setInterval(() => {
    if (source && performance.now() - alive > SILENCE_MS) again();
  }, 2000);
  // A tablet that would sleep is no screen.
  const awake = () => {
    if (navigator.wakeLock && !document.hidden) navigator.wakeLock.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", awake);
  awake();
  window.addEventListener("pagehide", close);
  open();
})();
