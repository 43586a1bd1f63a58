// Money as people in India type it.

const PLAIN = /^(\d+)(?:\.(\d{1,2})?)?$|^\.(\d{1,2})$/;
const GROUPED = /^(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3})(?:\.\d{1,2})?$/;
const DECIMAL_COMMA = /^\d+,\d{1,2}$/;
const MOST = 1_000_000_000_00;

/** What an amount looks like, for whoever typed something else. */
export const AMOUNTS = "Write an amount, such as 250, 99.50 or 1,00,000.";

/** Minor units of an amount typed as `1,000`, `1,00,000.50` or `99.50`; nothing where it could mean two things, or none. */
export function typedAmount(text) {
  const bare = text.trim().replace(/^(?:₹|rs\.?)\s*/i, "").replace(/\s*\/-$/, "");
  const digits = GROUPED.test(bare) ? bare.replaceAll(",", "") : DECIMAL_COMMA.test(bare) ? bare.replace(",", ".") : bare;
  if (!PLAIN.test(digits)) return null;
  const minor = Math.round(Number(digits) * 100);
  return minor <= MOST ? minor : null;
}
