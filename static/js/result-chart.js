// Draws what the page says of a result in words and as a table. The colours are those of the words beside it.
// A module, so that its names are its own; `QueryChart` is uPlot.

const plot = document.querySelector("[data-chart-plot]");
const reading = document.querySelector("[data-chart-reading]");
const keys = [...document.querySelectorAll("[data-chart-key]")];
const data = JSON.parse(document.getElementById("chart-data").textContent);
const last = data.positions.length - 1;

// Series are told apart by their dashes as well.
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
// The part of its place that the bars of a name take together.
const BARS = 0.8;
// What is no wider cannot be told apart: seconds; of numbers a part of the largest, and at all.
const SHORTEST = 0.01;
const NEAREST = 1e-9;
const SMALLEST = 1e-25;
const DAY = "\n{D} {MMM} {YYYY}";
const HOUR = 3600;
const TIMES = [
  [HOUR * 24 * 365, "{YYYY}", null, null, null, null, null, null, 1],
  [HOUR * 24 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [HOUR * 24, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [HOUR, "{HH}:{mm}", DAY, null, DAY, null, null, null, 1],
  [60, "{HH}:{mm}", DAY, null, DAY, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", DAY, null, DAY, null, null, null, 1],
  [0.001, ":{ss}.{fff}", DAY, null, DAY, null, "\n{HH}:{mm}", null, 1],
];
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

const colour = (at) => getComputedStyle(keys[at]).color;
const words = () => getComputedStyle(plot).color;
const line = () => getComputedStyle(plot).borderTopColor;

function spread(low, high, least) {
  const missing = least - (high - low);
  return missing > 0 ? [low - missing / 2, high + missing / 2] : [low, high];
}

// Bars stand on nought; what is all alike gets a scale that is wide enough to be drawn.
function heights(_chart, low, high) {
  if (low === null || high === null) return [0, 1];
  const [from, to] = data.time ? [low, high] : [Math.min(low, 0), Math.max(high, 0)];
  const [least, most] = spread(from, to, Math.max(SMALLEST, NEAREST * Math.max(Math.abs(from), Math.abs(to))));
  return QueryChart.rangeNum(least, most, 0.08, true);
}

const widths = (_chart, low, high) => (data.time ? spread(low, high, SHORTEST) : [-0.5, last + 0.5]);

function bars(at) {
  const width = BARS / data.series.length;
  const starts = data.positions.map((place) => place - BARS / 2 + at * width);
  return QueryChart.paths.bars({
    disp: { x0: { unit: 1, values: () => starts }, size: { unit: 1, values: () => data.positions.map(() => width) } },
  });
}

const series = (one, at) => ({
  label: one.name,
  stroke: () => colour(at),
  width: 2,
  ...(data.time ? { dash: DASHES[at] } : { fill: () => colour(at), width: 0, paths: bars(at), points: { show: false } }),
});

const shortened = (text) => (text.length > 14 ? `${text.slice(0, 13)}…` : text);
const drawn = { stroke: words, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };

const axis = data.time
  ? { ...drawn, values: TIMES, space: 60 }
  : { ...drawn, grid: { show: false }, space: 90, incrs: STEPS, values: (_chart, places) => places.map((place) => shortened(data.labels[place] ?? "")) };

function read(at) {
  if (at === null || at === undefined) return (reading.textContent = "");
  const values = data.series.map((one) => `${one.name} ${one.texts[at]}`);
  reading.textContent = `${data.axis} ${data.labels[at]}: ${values.join(", ")}`;
}

// With as many digits as the steps of the axis need to differ.
function numbers(_chart, values, _axis, _space, step) {
  const largest = Math.max(...values.map((value) => Math.abs(value ?? 0)));
  const digits = step && largest ? Math.ceil(Math.log10(largest / step)) + 1 : 0;
  const maximumSignificantDigits = Math.min(15, Math.max(3, digits));
  const notation = largest && (largest >= 1e15 || largest < 1e-3) ? "scientific" : "compact";
  const format = new Intl.NumberFormat("en", { notation, maximumSignificantDigits });
  return values.map((value) => (value === null ? "" : format.format(value)));
}

const room = (_chart, texts) => 28 + 7 * Math.max(3, ...(texts ?? []).map((text) => text.length));

plot.hidden = false;
const size = () => ({ width: plot.clientWidth, height: plot.clientHeight });
const chart = new QueryChart(
  {
    ...size(),
    tzDate: (seconds) => QueryChart.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: data.time } },
    scales: { x: { time: data.time, range: widths }, y: { range: heights } },
    axes: [axis, { ...drawn, size: room, values: numbers }],
    series: [{}, ...data.series.map(series)],
    hooks: { setCursor: [(self) => read(self.cursor.idx)] },
  },
  [data.positions, ...data.series.map((one) => one.values)],
  plot,
);

new ResizeObserver(() => chart.setSize(size())).observe(plot);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw());

// --- from point to point with the keys -------------------------------------------------------------
const STRIDES = { ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };
let place = -1;

plot.addEventListener("keydown", (event) => {
  if (event.key === "Escape") place = -1;
  else if (event.key in STRIDES) place = Math.max(0, Math.min(last, place + STRIDES[event.key]));
  else return;
  event.preventDefault();
  chart.setCursor(place < 0 ? { left: -10, top: -10 } : { left: chart.valToPos(data.positions[place], "x"), top: 0 }, false);
  read(place < 0 ? null : place);
});
