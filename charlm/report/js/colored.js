// A text colored by surprisal, from packed data (charlm/report/colored.py): one byte a character for its bits, and
// arrays of the likeliest characters' numbers and probabilities.

async function showColored(box, data) {
  const packed = Uint8Array.from(atob(data.packed), (char) => char.charCodeAt(0));
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(plain).arrayBuffer());
  const chars = Array.from(data.text), N = chars.length, K = data.guesses;
  const bits_N = bytes.subarray(0, N), p_NK = bytes.subarray(N, N + N * K);
  const low_NK = bytes.subarray(N + N * K), high_NK = low_NK.subarray(N * K);
  const bitsAt = (i) => (bits_N[i] === data.none ? null : bits_N[i] / data.bits_unit);

  function describe(i) {
    const rows = [];
    for (let k = 0; k < K && p_NK[i * K + k] > 0; k++) {
      const char = data.symbols[low_NK[i * K + k] + 256 * (high_NK[i * K + k] || 0)];
      rows.push({ char, p: (p_NK[i * K + k] / 255) ** 2, isActual: char === chars[i] });
    }
    const bits = bitsAt(i);
    const known = rows.length ? "" : ", unknown to the model";
    return { title: bits === null ? `${label(chars[i])}: not predicted` : `${label(chars[i])}: ${bits.toFixed(1)} bits${known}`, rows };
  }

  const view = new TextView(box, describe);
  view.draw(N, (i) => ({ text: printable(chars[i]), className: `${chars[i] === "\n" ? "line " : ""}${level(bitsAt(i))}` }));
}
