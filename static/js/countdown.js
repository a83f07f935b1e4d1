// The words beside a bar that runs empty. The bar itself needs no script.
// Seconds come from the server, so that a wrong clock here does no harm.

// words says how much is left, in the texts that an element brings.
export function words(whole, { leftSeconds, leftMinutes, leftBoth }) {
  const minutes = Math.floor(whole / 60);
  const seconds = whole % 60;
  const text = minutes === 0 ? leftSeconds : seconds === 0 ? leftMinutes : leftBoth;
  return text.replace("{minutes}", minutes).replace("{seconds}", seconds);
}

// countdown calls over once when the time of a meter is up.
export function countdown(meter, over) {
  const out = meter?.querySelector("[data-left]");
  if (!out) return;
  const end = performance.now() + 1000 * Number(meter.dataset.seconds);
  const timer = setInterval(tick, 1000);
  function tick() {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    out.textContent = words(left, meter.dataset);
    meter.classList.toggle("meter-low", left <= 15);
    if (left === 0) {
      clearInterval(timer);
      over?.();
    }
  }
  tick();
}
