// The camera as a reader: the browser finds codes in pictures by itself where it can, else this device's program does.

const LOOK_MS = 180;
const WIDTH_MAX = 960;
const SAME_CODE_MS = 3000;
const ANSWER_MS = 4000;

/** Whether this browser can read codes with a camera on this address. */
export async function cameraWorks() {
  if (!navigator.mediaDevices) return false;
  const cameras = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return cameras.some((one) => one.kind === "videoinput");
}

async function finder() {
  const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
  if (formats.includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video)).map((code) => code.rawValue);
  }
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, WIDTH_MAX / video.videoWidth);
    const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    if (!width || !height) return [];
    [canvas.width, canvas.height] = [width, height];
    context.drawImage(video, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const grey = new Uint8Array(width * height);
    for (let at = 0; at < grey.length; at += 1) grey[at] = (data[4 * at] * 77 + data[4 * at + 1] * 150 + data[4 * at + 2] * 29) >> 8;
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(`/v1/frames?width=${width}&height=${height}`, { method: "POST", body: grey, cache: "no-store", signal });
    return answer.ok ? (await answer.json()).codes : null;
  };
}

/** Shows the camera and calls `take(code)` for each new code, `sees(false)` while no picture can be looked at, and `gone()` where
 * something else has taken the camera. Returns a stop function; throws where it is not allowed. */
export async function watch(video, take, sees, gone) {
  const constraints = { video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } } };
  const stream = await navigator.mediaDevices.getUserMedia(constraints);
  stream.getVideoTracks().forEach((track) => track.addEventListener("ended", gone));
  const find = await finder();
  const seen = new Map();
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  let looking = false;
  let before = [];
  const timer = setInterval(async () => {
    // A picture that takes long is not overtaken by the next one.
    if (looking) return;
    looking = true;
    const codes = await find(video).catch(() => null);
    looking = false;
    sees(codes !== null);
    for (const rawValue of codes ?? []) {
      const now = Date.now();
      // A ticket stays in the picture for a while: once is enough, however long each picture takes.
      if (!before.includes(rawValue) && now - (seen.get(rawValue) ?? 0) > SAME_CODE_MS) take(rawValue);
      seen.set(rawValue, now);
    }
    before = codes ?? before;
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.hidden = true;
  };
}
