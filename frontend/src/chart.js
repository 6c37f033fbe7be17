// Draws the chart of a result; loaded on its page alone.
import uPlot from "uplot";
import styles from "uplot/dist/uPlot.min.css";

const sheet = new CSSStyleSheet();
sheet.replaceSync(styles);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

globalThis.QueryChart = uPlot;
