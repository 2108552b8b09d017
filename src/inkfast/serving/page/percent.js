// Shares as text: one below 100 % is never shown as 100 %.

export function percent(share) {
  const hundred = 100 * share;
  return `${hundred > 99.9 ? ">99.9" : hundred.toFixed(hundred < 99 ? 0 : 1)} %`;
}
