// How many answers were checked, how many were wrong, and the error rate of the sure ones.

const Z95 = 1.959963984540054; // the normal distribution's 97.5 % point

export const NOTHING = "none"; // the correction of what is no number or no digit

export const isWrong = (item) => item.corrected !== (item.answer || NOTHING);

export function totals(items) {
  const checked = items.filter((item) => item.corrected);
  const sure = checked.filter((item) => !item.unsure);
  const sureWrong = sure.filter(isWrong).length;
  return {
    all: items.length,
    checked: checked.length,
    wrong: checked.filter(isWrong).length,
    sure: sure.length,
    sureWrong,
    sureLeft: items.filter((item) => !item.unsure && !item.corrected).length,
    interval: sure.length ? wilson(sureWrong / sure.length, sure.length) : null,
  };
}

/** Return the 95 % interval of a share among `n`. Source: Wilson (1927), Probable inference. */
export function wilson(share, n) {
  const centre = share + Z95 ** 2 / (2 * n);
  const half = Z95 * Math.sqrt((share * (1 - share)) / n + Z95 ** 2 / (4 * n ** 2));
  const scale = 1 + Z95 ** 2 / n;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}
