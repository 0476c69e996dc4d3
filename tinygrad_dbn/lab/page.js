// The curves of a chart: where one points, or goes with the arrow keys, a line stands and its figures are said.
for (const chart of document.querySelectorAll("figure.chart > svg")) {
  const at = JSON.parse(chart.dataset.x), says = JSON.parse(chart.dataset.says);
  const line = chart.querySelector(".at"), output = chart.parentNode.querySelector("output");
  let chosen = at.length - 1;
  const show = (index) => {
    chosen = Math.min(Math.max(index, 0), at.length - 1);
    line.setAttribute("transform", `translate(${at[chosen]} 0)`);
    line.setAttribute("visibility", "visible");
    output.textContent = says[chosen];
  };
  const point = (event) => {
    const box = chart.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
    show(at.reduce((best, place, i) => (Math.abs(place - x) < Math.abs(at[best] - x) ? i : best), 0));
  };
  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); show(chosen + step); }
  });
}
