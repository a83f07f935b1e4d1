// Reads a QR code with the camera, where the platform brings a reader of its
// own (BarcodeDetector). Elsewhere the phone's camera app opens the link.

/** scannable says whether this browser can look for QR codes. */
export async function scannable() {
  try {
    const formats = await globalThis.BarcodeDetector?.getSupportedFormats();
    return Boolean(formats?.includes("qr_code") && navigator.mediaDevices?.getUserMedia);
  } catch {
    return false;
  }
}

/**
 * scan shows the camera in video and gives the first text that accept takes, or null when
 * stopped by signal. That is at once, also while the browser still asks for the camera
 * or the camera has nothing to show yet.
 */
export function scan(video, accept, signal) {
  const stopped = new Promise((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
  return Promise.race([look(video, accept, signal), stopped]);
}

async function look(video, accept, signal) {
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const release = () => stream.getTracks().forEach((track) => track.stop());
  signal.addEventListener("abort", release, { once: true });
  try {
    if (signal.aborted) return null;
    video.srcObject = stream;
    await video.play();
    while (!signal.aborted) {
      for (const { rawValue } of await detector.detect(video)) {
        if (accept(rawValue)) return rawValue;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return null;
  } finally {
    release();
  }
}
