// A field above each long table, which hides the rows that do not hold all of its words.
const LONG = 20; // rows

function addFilter(table) {
  const rows = [...table.querySelectorAll("tbody tr")];
  if (rows.length < LONG || table.dataset.filtered) return;
  table.dataset.filtered = "yes";
  const field = Object.assign(document.createElement("input"), { type: "search", className: "filter" });
  field.placeholder = "Filter: segmentation 2015, resnet, yes …";
  field.setAttribute("aria-label", "Filter the table");
  const count = document.createElement("p");
  count.className = "filter-count";
  count.setAttribute("role", "status");
  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  };
  field.addEventListener("input", apply);
  const place = table.closest(".md-typeset__scrollwrap") ?? table;
  place.before(field, count);
  apply();
}

const addFilters = () => document.querySelectorAll("article table").forEach(addFilter);
if (window.document$) window.document$.subscribe(addFilters);
else document.addEventListener("DOMContentLoaded", addFilters);
