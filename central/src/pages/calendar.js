// A show as a calendar file, made in the browser.

/** Offers `{title, place, starts, ends, code}` as a download. */
export function calendarFile({ title, place, starts, ends, code }) {
  const stamp = (text) => new Date(text).toISOString().replace(/[-:]|\.\d+/g, "");
  const plain = (text) => text.replace(/[\\;,]/g, (sign) => `\\${sign}`);
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Usher//Booking//EN",
    "BEGIN:VEVENT",
    `UID:${code}@usher`,
    `DTSTAMP:${stamp(new Date().toISOString())}`,
    `DTSTART:${stamp(starts)}`,
    `DTEND:${stamp(ends)}`,
    `SUMMARY:${plain(title)}`,
    `LOCATION:${plain(place)}`,
    `DESCRIPTION:Booking ${code}`,
    "END:VEVENT",
    "END:VCALENDAR",
    "",
  ];
  const file = URL.createObjectURL(new Blob([lines.join("\r\n")], { type: "text/calendar" }));
  const link = Object.assign(document.createElement("a"), { href: file, download: `${code}.ics` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(file), 1000);
}
