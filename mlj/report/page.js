"use strict";
const order = new Intl.Collator(undefined, { numeric: true }).compare;
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const most = Number(table.dataset.most || Infinity);
  const status = document.createElement("p");
  let wanted = "";
  let sorted = "";
  const nameOf = (row) => {
    const cell = row.cells[0];
    return (cell.querySelector("[title]")?.title || cell.textContent).toLowerCase();
  };
  const show = () => {
    let found = 0;
    for (const row of body.rows) {
      const fits = nameOf(row).includes(wanted);
      row.hidden = !fits || found >= most;
      found += fits;
    }
    const shown = Math.min(found, most).toLocaleString("en");
    status.textContent = `${shown} of ${found.toLocaleString("en")} shown${sorted}`;
  };
  const valueOf = (row, column) => {
    const text = row.cells[column].textContent.replace(/^●/, "").trim();
    if (text === "" || text === "–") return null;
    if (heads[column].classList.contains("name")) return text;
    const number = parseFloat(text.replace(/^< /, "").replaceAll(",", ""));
    return Number.isNaN(number) ? text : number;
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return sign * (typeof a === "number" ? a - b : order(a, b));
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const first = head.classList.contains("name") ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const way = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", way);
      const keyed = [...body.rows].map((row) => [valueOf(row, column), row]);
      keyed.sort((a, b) => compare(a[0], b[0], way === "ascending" ? 1 : -1));
      body.append(...keyed.map((pair) => pair[1]));
      sorted = `, by ${button.textContent}, ${way}`;
      show();
    });
  });
  if (table.dataset.seek || most < body.rows.length) {
    const tools = document.createElement("div");
    tools.className = "tools";
    if (table.dataset.seek) {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "search";
      box.addEventListener("input", () => { wanted = box.value.toLowerCase(); show(); });
      label.append(table.dataset.seek, " ", box);
      tools.append(label);
    }
    status.setAttribute("role", "status");
    tools.append(status);
    table.parentElement.before(tools);
    show();
  }
}
