// Curves that can be read off and zoomed. Without this script, and in print, the drawings beside them show the same.
"use strict";
if (typeof Dygraph === "function") {
  document.documentElement.classList.add("js");
  for (const figure of document.querySelectorAll("figure.curve")) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const series = {};
    data.labels.forEach((name, i) => { if (data.dashes[i]) series[name] = {strokePattern: data.dashes[i].split(",").map(Number)}; });
    new Dygraph(figure.querySelector(".live"), data.rows, {
      labels: ["step"].concat(data.labels), colors: data.colors, series, labelsDiv: figure.querySelector(".now"), legend: "onmouseover",
      strokeWidth: 1.6, connectSeparatedPoints: true, drawPoints: data.rows.length <= 40, pointSize: 2,
      highlightCircleSize: 4, gridLineColor: "#e2e2e2", axisLineColor: "#8c8c8c", axisLabelFontSize: 12, yRangePad: 8, xRangePad: 4,
      axes: {x: {drawGrid: false, pixelsPerLabel: 50}, y: {pixelsPerLabel: 34, axisLabelWidth: 48}},
    });
  }
}
