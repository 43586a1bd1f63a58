// A pane: another program's page at a width it is made for, made smaller to fit.

/** Shows `url` in a place. `data-width` is the width the page believes it has. */
export function showFrame(place, url, title) {
  const frame = Object.assign(document.createElement("iframe"), { src: url, title });
  place.replaceChildren(frame);
  const fit = () => {
    const { clientWidth: width, clientHeight: height } = place;
    const believed = Math.max(Number(place.dataset.width), place.dataset.shrink === "no" ? width : 0);
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
