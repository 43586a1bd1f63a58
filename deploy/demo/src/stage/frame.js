// A pane: another program's page at a width it is made for, made smaller to fit.

const PHONE = 560;

/** Shows `url` in a place. `data-width` is the width the page believes it has. */
export function showFrame(place, url, title) {
  const frame = Object.assign(document.createElement("iframe"), { src: url, title });
  place.replaceChildren(frame);
  // The focus goes through a frame into its page; from here on only the frame can show where it is.
  window.addEventListener("blur", () => frame.classList.toggle("focused", document.activeElement === frame));
  window.addEventListener("focus", () => frame.classList.remove("focused"));
  const fit = () => {
    const { clientWidth: width, clientHeight: height } = place;
    // On a phone a pane is the whole screen, and its page is a phone's page.
    const believed = width < PHONE ? Math.min(Number(place.dataset.width), 420) : Number(place.dataset.width);
    const scale = Math.min(1, width / believed);
    frame.style.width = `${width / scale}px`;
    frame.style.height = `${height / scale}px`;
    frame.style.transform = `scale(${scale})`;
  };
  new ResizeObserver(fit).observe(place);
  return frame;
}

/** The address of a page as this browser reaches it: the stage may be open as `localhost` or `127.0.0.1`. */
export function reachable(url) {
  const there = new URL(url);
  const loopback = ["localhost", "127.0.0.1"];
  if (loopback.includes(there.hostname) && loopback.includes(location.hostname)) there.hostname = location.hostname;
  return there.href;
}
