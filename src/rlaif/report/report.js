// Curves that can be read off and zoomed, and folds that open for links and for print. Without this script the drawings
// beside the curves show the same.
"use strict";
const folded = (element) => element.closest("details:not([open])");

const draw = (figure) => {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const series = {};
  data.labels.forEach((name, i) => { if (data.dashes[i]) series[name] = {strokePattern: data.dashes[i].split(",").map(Number)}; });
  new Dygraph(figure.querySelector(".live"), data.rows, {
    labels: ["step"].concat(data.labels), colors: data.colors, series, labelsDiv: figure.querySelector(".now"), legend: "onmouseover",
    strokeWidth: 1.6, connectSeparatedPoints: true, drawPoints: data.rows.length <= 40, pointSize: 2,
    highlightCircleSize: 4, gridLineColor: "#e2e2e2", axisLineColor: "#8c8c8c", axisLabelFontSize: 12, yRangePad: 8, xRangePad: 4,
    axes: {x: {drawGrid: false, pixelsPerLabel: 50}, y: {pixelsPerLabel: 34, axisLabelWidth: 48}},
  });
};

if (typeof Dygraph === "function") {
  document.documentElement.classList.add("js");
  let waiting = [...document.querySelectorAll("figure.curve")];
  const drawSeen = () => { // what is folded away has no width to draw in
    waiting.filter((figure) => !folded(figure)).forEach(draw);
    waiting = waiting.filter(folded);
  };
  document.addEventListener("toggle", drawSeen, true);
  drawSeen();
}

// A link into what is folded away opens it, and one to its heading too.
const unfold = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let fold; (fold = folded(target));) fold.open = true;
  if (target.nextElementSibling?.matches("h2 + details")) target.nextElementSibling.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", unfold);
unfold();

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((fold) => { fold.open = true; });
});
addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
