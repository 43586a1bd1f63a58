// The camera as a reader, where the browser can find codes in pictures by itself.

const LOOK_MS = 180;
const SAME_CODE_MS = 3000;

/** Whether this browser can read codes with a camera on this address. */
export async function cameraWorks() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return false;
  const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
  return formats.includes("qr_code");
}

/** Shows the camera and calls `take(code)` for each new code. Returns a stop function; throws where it is not allowed. */
export async function watch(video, take) {
  const constraints = { video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } } };
  const stream = await navigator.mediaDevices.getUserMedia(constraints);
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  const seen = new Map();
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  const timer = setInterval(async () => {
    const codes = await detector.detect(video).catch(() => []);
    for (const { rawValue } of codes) {
      const now = Date.now();
      // A ticket stays in the picture for a while: once is enough.
      if (now - (seen.get(rawValue) ?? 0) > SAME_CODE_MS) take(rawValue);
      seen.set(rawValue, now);
    }
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.hidden = true;
  };
}
