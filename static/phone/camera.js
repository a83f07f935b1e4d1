// The part of a screen that reads a QR code with the camera.

import { button, el, problem } from "./dom.js";
import { scan, scannable } from "./scan.js";
import { words } from "./words.js";

/**
 * cameraPart gives the part, or null where the browser cannot read QR codes. What read
 * makes of a text goes to found; what it gives nothing for is passed over. failed
 * is what to say when there is no camera to be had.
 */
export async function cameraPart(read, found, failed) {
  if (!(await scannable())) return null;
  const text = words.enrol;
  let running = null;
  const trouble = problem();
  const video = el("video", { playsinline: true, muted: true, "aria-label": text.scanning });
  const stop = () => running?.abort();
  const view = el("div", { class: "camera", hidden: true }, el("p", {}, text.scanning), video, button(text.scanStop, "scan-stop", stop));
  const begin = button(text.scan, "scan", async () => {
    running = new AbortController();
    trouble.say("");
    begin.hidden = true;
    view.hidden = false;
    try {
      const value = await scan(video, read, running.signal);
      if (value) found(read(value));
    } catch {
      trouble.say(failed);
    } finally {
      begin.hidden = false;
      view.hidden = true;
    }
  }, { class: "primary" });
  return { root: el("div", { class: "stack" }, begin, view, trouble.root), stop };
}
